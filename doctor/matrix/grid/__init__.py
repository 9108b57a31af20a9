"""The grid of two projects, and one release's row."""
