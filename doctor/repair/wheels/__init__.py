"""Resolves and fetches what a repair installs: pins, wheels and uv."""
