"""Reads a published release's facts out of its wheel, without importing a line of it."""
