"""What can go wrong when something is read from another machine."""

from __future__ import annotations

from typing import Literal

NOT_REACHED = "cannot be reached"
Kind = Literal["timeout", "connection", "certificate", "size", "redirect", "answer"]


class RemoteError(ValueError):
    """Another machine did not give what was asked for. The message is a sentence without its end, without logins."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def unreached(self) -> bool:
        """Whether there never was a connection."""
        return self.kind == "connection" and NOT_REACHED in str(self)


class WheelError(ValueError):
    """A wheel that cannot be trusted or read: hostile paths or sizes, damage, a member that is too large."""


class IndexUnavailable(ValueError):
    """The package index is not set, does not answer, or does not hold what was asked for."""
