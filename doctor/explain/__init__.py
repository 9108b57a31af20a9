"""Finds the root cause of a crash in a log."""
