"""What can go wrong when something is read from another machine."""

from __future__ import annotations


class WheelError(ValueError):
    """A wheel that cannot be trusted or read: hostile paths or sizes, damage, a member that is too large."""


class IndexUnavailable(ValueError):
    """The package index is not set, does not answer, or does not hold what was asked for."""
