"""Installed distributions, read from their metadata and their lists of files."""
