"""`{a,b}` and `{1..3}` in words, before anything else is expanded."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.launch.shell_text.tree import Literal, Part, Word

_MOST, _LONGEST = 256, 400  # words that are made, and signs of a word that is looked through
_RANGE = late_pattern(r"(-?\d{1,9})\.\.(-?\d{1,9})(?:\.\.(-?\d{1,9}))?|([A-Za-z])\.\.([A-Za-z])")
Token = Part | str


def braced(word: Word) -> list[Word]:
    """The words that one word makes."""
    if not any(isinstance(p, Literal) and not p.quoted and "{" in p.text for p in word.parts):
        return [word]
    tokens: list[Token] = []
    for part in word.parts:
        if isinstance(part, Literal) and not part.quoted:
            tokens += part.text
        else:
            tokens.append(part)
    if len(tokens) > _LONGEST:
        return [word]
    return [Word(_joined(one), word.source) for one in _expanded(tokens, 0)[:_MOST]]


def _expanded(tokens: list[Token], depth: int) -> list[list[Token]]:
    """Every sequence; the first pair of braces is opened, then the rest."""
    for at, token in enumerate(tokens):
        if token != "{" or depth > 12:
            continue
        end, commas = _closing(tokens, at)
        if end < 0:
            continue
        inner = tokens[at + 1 : end]
        choices = _range(inner) if not commas else [
            one
            for first, last in zip((at, *commas), (*commas, end), strict=True)
            for one in _expanded(tokens[first + 1 : last], depth + 1)
        ]  # fmt: skip
        if choices is None:
            continue
        rest = _expanded(tokens[end + 1 :], depth + 1)
        return [[*tokens[:at], *c, *r] for c in choices[:_MOST] for r in rest[:_MOST]][:_MOST]
    return [tokens]


def _closing(tokens: list[Token], at: int) -> tuple[int, list[int]]:
    """The brace that closes the one at `at`, and the commas between them."""
    depth = 0
    commas: list[int] = []
    for place in range(at, len(tokens)):
        token = tokens[place]
        depth += {"{": 1, "}": -1}.get(token, 0) if isinstance(token, str) else 0
        if depth == 0:
            return place, commas
        if token == "," and depth == 1:
            commas.append(place)
    return -1, []


def _range(inner: list[Token]) -> list[list[Token]] | None:
    text = "".join(t for t in inner if isinstance(t, str))
    found = _RANGE.fullmatch(text) if len(text) == len(inner) else None
    if found is None:
        return None
    if found[4]:
        first, last, step = ord(found[4]), ord(found[5]), 1
    else:
        first, last, step = int(found[1]), int(found[2]), abs(int(found[3] or 1)) or 1
    if abs(last - first) // step >= _MOST:
        return None
    numbers = range(first, last + 1, step) if last >= first else range(first, last - 1, -step)
    if found[4]:
        return [[chr(n)] for n in numbers]
    padded = any(re.match(r"-?0\d", g) for g in (found[1], found[2]))
    width = max(len(found[1]), len(found[2])) if padded else 0
    return [list(str(n).zfill(width)) for n in numbers]


def _joined(tokens: list[Token]) -> tuple[Part, ...]:
    out: list[Part] = []
    text = ""
    for token in tokens:
        if isinstance(token, str):
            text += token
            continue
        if text:
            out.append(Literal(text))
        out.append(token)
        text = ""
    return (*out, Literal(text)) if text else tuple(out)
