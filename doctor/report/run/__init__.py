"""The report of a run as text and as data."""
