"""Messages as digests: what is kept of a message template, and what a message in a log has in common with one.

A template is literal text with holes. Of the text only the words count (runs of letters, digits and `_`): up to
SPAN of them at a time become one CRC-32 of the words joined by blanks, so that no sentence is kept, and a message is
found again whatever its quotes, its line breaks and the values in its holes are:

    *5deadbeef.31a2b*      a hole, 5 words (the anchor: the longest span, all 32 bits), 3 words (16 bits), a hole

`.` stands between spans without a hole between them. A word that touches a hole is no literal word.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from doctor.base.late import late_pattern
from doctor.base.record import dataclass

SPAN = 16  # words of one digest
MOST_WORDS = 400  # of a message; what is behind them is not looked at
MOST_SPANS = 40
_WORD = late_pattern(r"\w+")
_ANCHOR = late_pattern(r"[0-9a-g][0-9a-f]{8}")
_WHOLE = 9  # characters of an anchor
_COUNT = "0123456789abcdefg"  # SPAN in one character


def encoded(template: Sequence[str | None]) -> str:
    """The digest of a template (None for a hole); empty where it holds no whole literal word."""
    groups = _groups(template)
    spans = [span for group in groups if isinstance(group, list) for span in group]
    if not spans:
        return ""
    anchor = max(spans, key=lambda words: (len(words), len("".join(words))))
    out, seen = [], False
    for group in groups:
        if group is None:
            out.append("*")
            continue
        shown = []
        for words in group:
            whole = words is anchor and not seen
            seen = seen or whole
            shown.append(f"{_COUNT[len(words)]}{_crc(words) if whole else _crc(words) & 0xFFFF:0{8 if whole else 4}x}")
        out.append(".".join(shown))
    return re.sub(r"\*{2,}", "*", "".join(out))


@dataclass(frozen=True, slots=True)
class Fit:
    """How a message fits a template: `count` words in common, and whether the whole message is the template's."""

    count: int
    whole: bool


class Spoken:
    """The words of one message, for comparison with many templates. `anchors` are its spans, as digests write them."""

    def __init__(self, message: str) -> None:
        self.tokens = _WORD.findall(message.replace("\\n", " ").replace("\\t", " ").replace("\\'", "'"))[:MOST_WORDS]
        self.anchors: dict[str, list[int]] = {}
        for start in range(len(self.tokens)):
            crc = 0
            for count, word in enumerate(self.tokens[start : start + SPAN], 1):
                crc = zlib.crc32((f" {word}" if count > 1 else word).encode("utf-8", "replace"), crc)
                self.anchors.setdefault(f"{_COUNT[count]}{crc:08x}", []).append(start)

    def fit(self, digest: str) -> Fit | None:
        """How the message fits a digest; None where a span is missing that the message is long enough to hold."""
        texts = [text for text in re.split(r"[.*]", digest) if text]
        anchor = next(i for i, text in enumerate(texts) if len(text) == _WHOLE)
        spans = [_span(text) for text in texts]
        count = spans[anchor][0]
        for at in self.anchors.get(texts[anchor], ()):
            after = self._forward(spans[anchor + 1 :], at + count)
            before = self._backward(spans[:anchor], at)
            if after is not None and before is not None:
                total = count + sum(n for n, _ in spans[:anchor]) + after[1]
                starts = digest.startswith("*") or before == 0
                ends = digest.endswith("*") or after[0] >= len(self.tokens)
                return Fit(total, starts and ends)
        return None

    def _forward(self, spans: Sequence[tuple[int, int]], at: int) -> tuple[int, int] | None:
        """Where the last of `spans` ends and how many words they have; spans that a cut message lacks are let go."""
        total = 0
        for count, crc in spans:
            found = next((p for p in range(at, len(self.tokens) - count + 1) if self._is(p, count, crc)), None)
            if found is None:
                return (len(self.tokens), total) if len(self.tokens) - at < count else None
            at, total = found + count, total + count
        return at, total

    def _backward(self, spans: Sequence[tuple[int, int]], at: int) -> int | None:
        """Where the first of `spans` begins."""
        for count, crc in reversed(spans):
            found = next((p for p in range(at - count, -1, -1) if self._is(p, count, crc)), None)
            if found is None:
                return None
            at = found
        return at

    def _is(self, at: int, count: int, crc: int) -> bool:
        return _crc(self.tokens[at : at + count]) & 0xFFFF == crc & 0xFFFF


def anchors_of(digests: str) -> list[str]:
    """The anchor of each digest in a text, in their order."""
    return _ANCHOR.findall(digests)


def _span(text: str) -> tuple[int, int]:
    return _COUNT.index(text[0]), int(text[1:], 16)


def _crc(words: Sequence[str]) -> int:
    return zlib.crc32(" ".join(words).encode("utf-8", "replace"))


def _groups(template: Sequence[str | None]) -> list[list[list[str]] | None]:
    """The spans of each literal part, and None for each hole; a line break ends a span."""
    out: list[list[list[str]] | None] = []
    for place, part in enumerate(template):
        if part is None:
            out.append(None)
            continue
        text = part
        if place and text[:1].isalnum() | (text[:1] == "_"):
            text = text[_WORD.match(text).end() :]  # type: ignore[union-attr]
        if place + 1 < len(template):
            text = re.sub(r"\w+\Z", "", text)
        spans = [
            w[i : i + SPAN] for line in text.splitlines() if (w := _WORD.findall(line)) for i in range(0, len(w), SPAN)
        ]
        if spans:
            out.append(spans)
    return out[:MOST_SPANS]
