"""HTTP addresses, as users and files write them."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")  # the machine that asks


def split_address(text: str | None) -> SplitResult | None:
    """The parts of an HTTP address; None for anything else."""
    try:
        found = urlsplit(text or "")
        return found if found.scheme in ("http", "https") and found.hostname and found.port != 0 else None
    except ValueError:
        return None
