"""Sizes and versions as a reader expects them."""

from __future__ import annotations

GIB = 1024**3
MIB = 1024**2


def size(count: int) -> str:
    """Bytes as `64 MiB` or `23.5 GiB`."""
    if count < GIB:
        return f"{count / MIB:.0f} MiB"
    return f"{count / GIB:.1f} GiB"


def dotted(pair: tuple[int, int]) -> str:
    """`(12, 8)` as `12.8`."""
    return f"{pair[0]}.{pair[1]}"
