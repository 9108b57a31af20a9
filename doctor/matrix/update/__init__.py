"""Adds releases to the data, and verifies what is there."""
