"""Untrusted text made safe to print."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from doctor.base.late import late_pattern

UNSEEN = late_pattern(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str, limit: int | None = None) -> str:
    """`text` with control, bidirectional, zero-width and surrogate characters written out as `\\x1b`, `\\u202e`.

    Newline and tab stay. `limit` is the longest result in characters; what is cut is marked with an ellipsis.
    """
    out = UNSEEN.sub(_escape, text)
    if limit is not None and len(out) > limit:
        return out[: max(0, limit - 1)] + "…"
    return out


def one_line(text: str, limit: int | None = None) -> str:
    """`clean`, with every run of white space as one blank."""
    return clean(" ".join(text.split()), limit)


def plural(count: int, word: str) -> str:
    """`1 error`, `2 errors`, `32,768 tokens`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def conjoined(parts: Iterable[str], last: str = "and") -> str:
    """Parts as a sentence lists them: `a`, `a and b`, `a, b and c`; empty for none."""
    *first, end = list(parts) or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def has_hidden(text: str) -> bool:
    """Whether `text` has characters that `clean` writes out: whoever reads it does not see what it says."""
    return UNSEEN.search(text) is not None


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Terminal columns that `text` takes: wide East Asian characters count two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


# an escape sequence of a terminal; compiled when first used, since few commands print a server's words
_COLORS = r"\x1b(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)|[@-Z\\-_])"


def without_colors(text: str) -> str:
    """`text` without a terminal's escape sequences: colors, titles, cursor movements."""
    return re.sub(_COLORS, "", text)


def plain(text: str) -> str:
    """Text of a server for another terminal: colors dropped, progress bars as lines, controls written out."""
    return clean(without_colors(text).replace("\r\n", "\n").replace("\r", "\n"))
