"""Paragraphs broken into rows of a terminal, where characters may be two columns wide."""

from __future__ import annotations

import textwrap

from doctor.base.late import late_pattern
from doctor.base.text import width

# a word of other scripts, blanks, or one wide character with the marks that may not begin or end a row
_CLOSING = "、。，．：；！？）」』】〉》…ー々〜"
_OPENING = "（「『【〈《"
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uac00-\ud7af"
_UNIT = late_pattern(rf" +|[{_OPENING}]*[{_WIDE}][{_CLOSING}]*|[^ {_WIDE}]+")
_FRENCH = late_pattern(r" [:;!?»]")


def wrapped(text: str, columns: int, first: int, rest: int) -> list[str]:
    """`text` in rows of at most `columns`, where `first` and `rest` columns are taken on the first and further rows."""
    if width(text) == len(text) and not _FRENCH.search(text):
        return _plain(text, columns, first, rest)
    rows, row = list[str](), ""
    for unit in _units(text):
        room = columns - (rest if rows else first)
        if row.strip() and width(row + unit.rstrip()) > room:
            rows.append(row.rstrip())
            row = unit.lstrip()
        else:
            row += unit
    return [*rows, row.rstrip()] if row.strip() or not rows else rows


def _units(text: str) -> list[str]:
    """What may stand at the end of a row, its blank behind it; French has one in front of `:`, too."""
    out = list[str]()
    for unit in _UNIT.findall(text):
        glued = out and (unit.isspace() or unit in ":;!?»" or (out[-1].endswith("« ")) or unit[0] in _CLOSING)
        if glued:
            out[-1] += unit
        else:
            out.append(unit)
    return out


def _plain(text: str, columns: int, first: int, rest: int) -> list[str]:
    lead = " " * first
    lines = textwrap.wrap(lead + text, columns, subsequent_indent=" " * rest, break_on_hyphens=False,
                          break_long_words=False, drop_whitespace=True)  # fmt: skip
    return [line[first:] if n == 0 else line[rest:] for n, line in enumerate(lines)] or [""]
