"""A command changed where it stands in a shell text: every other character stays, and so do its variables.

Only words that stand in the text as they are read are replaced; where one of them is computed, nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from doctor.base.late import late_pattern
from doctor.base.record import dataclass

LONGEST = 1 << 16
_TOKEN = late_pattern(
    r"""\\\n|(?<!\S)\#[^\n]*|(?:[^\s"'\\;&|<>()]|\\[^\n]|"(?:[^"\\]|\\.)*"|'[^']*')+|\n|[;&|<>()]+""", re.DOTALL
)
_PART = late_pattern(r""""((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)""", re.DOTALL)
Quote = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text: its place, and what a shell reads there, as far as it holds no variable."""

    start: int
    end: int
    value: str


def tokens(text: str) -> list[Token]:
    """The words of a shell text, its operators and the ends of its lines."""
    matches = (m for m in _TOKEN.finditer(text) if m[0] != "\\\n")
    return [Token(m.start(), m.end(), value_of(m[0])) for m in matches]


def in_text(text: str, before: Sequence[str], after: Sequence[str], quote: Quote) -> str | None:
    """The text with the command `before` as `after`; None where it does not stand there plainly, or stands twice.

    `quote` writes words for the shell that reads the text.
    """
    if len(text) > LONGEST:
        return None
    found = _Place.of(text, before)
    if found is None:
        return None
    changes = []
    for what, a, b, c, d in SequenceMatcher(None, list(before), list(after), False).get_opcodes():
        if what == "equal":
            continue
        span = found.span(a, b)
        if span is None:
            return None
        changes.append((*span, quote(after[c:d]) if d > c else ""))
    out = text
    for start, end, words in reversed(changes):
        if start == end:
            out = f"{out[:start]} {words}{out[end:]}"
        elif words:
            out = f"{out[:start]}{words}{out[end:]}"
        else:  # a word that goes takes the space in front of it along
            gap = re.search(r"(?:[ \t]|\\\n)*\Z", out[:start])
            out = out[: gap.start() if gap else start] + out[end:]
    return out


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the words of a command stand in a text: a token for each, None for one that is computed."""

    tokens: tuple[Token | None, ...]

    @classmethod
    def of(cls, text: str, before: Sequence[str]) -> _Place | None:
        """The only command of the text that begins like this one and has most of its words."""
        found = tokens(text)
        starts = [n for n, token in enumerate(found) if before and token.value.rpartition("/")[2] == _name(before[0])]
        fits = [place for n in starts if (place := cls._from(found, n, before)) is not None]
        return fits[0] if len(fits) == 1 else None

    @classmethod
    def _from(cls, tokens: list[Token], first: int, before: Sequence[str]) -> _Place | None:
        end = next((n for n in range(first, len(tokens)) if _ends(tokens[n].value)), len(tokens))
        mine = tokens[first:end]
        known = [t.value for t in mine]
        known[0] = _name(known[0])
        words = [_name(before[0]), *before[1:]]
        out: list[Token | None] = [None] * len(words)
        for a, b, size in SequenceMatcher(None, words, known, False).get_matching_blocks():
            for offset in range(size):
                out[a + offset] = mine[b + offset]
        return cls(tuple(out)) if sum(t is not None for t in out) * 2 > len(words) else None

    def span(self, first: int, last: int) -> tuple[int, int] | None:
        """The characters of the words from `first` to before `last`; behind the word before them, if there are none."""
        if first == last:
            front = self.tokens[first - 1] if first else None
            return (front.end, front.end) if front is not None else None
        mine = self.tokens[first:last]
        if not mine or mine[0] is None or mine[-1] is None or None in mine:
            return None
        return mine[0].start, mine[-1].end


def _name(word: str) -> str:
    return word.rpartition("/")[2]


def _ends(token: str) -> bool:
    return token == "\n" or bool(re.fullmatch(r"[;&|<>()]+", token)) or token.startswith("#")


def value_of(token: str) -> str:
    """The word without its quotes; what a shell would compute in it stays as it is written, and so equals no word."""
    return _PART.sub(lambda m: m[1] if m[1] is not None else m[2] if m[2] is not None else m[3], token)
