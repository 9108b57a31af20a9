"""Secrets: what they look like, and how they are hidden from everything that is kept or printed."""
