"""Sizes, versions and lists as a reader expects them."""

from __future__ import annotations

from collections.abc import Sequence

GIB = 1024**3
MIB = 1024**2
SHOWN = 4


def size(count: int) -> str:
    """Bytes as `64 MiB` or `23.5 GiB`."""
    if count < GIB:
        return f"{count / MIB:.0f} MiB"
    return f"{count / GIB:.1f} GiB"


def sizes(least: int, most: int) -> str:
    """`1.8 GiB to 2.3 GiB`, or one size where both look the same."""
    return size(least) if size(least) == size(most) else f"{size(least)} to {size(most)}"


def dotted(pair: tuple[int, int]) -> str:
    """`(12, 8)` as `12.8`."""
    return f"{pair[0]}.{pair[1]}"


def listed(names: Sequence[str], more: str = "more") -> str:
    """The first few names in backticks, and how many `more` there are."""
    return first_of([f"`{n}`" for n in names], SHOWN, more)


def shortened(names: str, most: int = SHOWN) -> str:
    """A list in a sentence, `a, b, c`, with the first few of it."""
    return first_of(names.split(", "), most)


def first_of(names: Sequence[str], most: int, more: str = "more") -> str:
    """`a, b, c and 9 more`; all of them where one more than `most` would be left."""
    kept = names if len(names) <= most + 1 else names[:most]
    rest = len(names) - len(kept)
    return ", ".join(kept) + (f" and {rest} {more}" if rest else "")
