"""Patterns of the shell (`*`, `?`, `[a-z]`, `@(a|b)`) as regular expressions."""

from __future__ import annotations

import re
from functools import lru_cache

from doctor.base.late import late_pattern

_CLASSES = {"alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "digit": "0-9", "space": r"\s", "upper": "A-Z", "lower": "a-z",
            "punct": r"!-/:-@\[-`{-~", "blank": r" \t", "xdigit": "0-9a-fA-F"}  # fmt: skip
_BRACKET = late_pattern(r"\[([!^]?)(\]?(?:\[:\w+:\]|[^\]])*)\]", re.DOTALL)
_LONGEST = 512
_WORK = 30_000_000
_CLOSED = {"@": "", "?": "?", "*": "*", "+": "+", "!": ""}


def escaped(text: str) -> str:
    """Quoted text as a pattern that matches it alone."""
    return re.sub(r"([\\*?\[\]()|@+!])", r"\\\1", text)


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str] | None:
    """A pattern of the shell as a regular expression; None for one that is too long or odd."""
    if len(pattern) > _LONGEST:
        return None
    try:
        return re.compile(_translated(pattern), re.DOTALL)
    except (re.error, RecursionError):
        return None


def _translated(pattern: str) -> str:
    out, at, groups = [], 0, []
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and at + 1 < len(pattern):
            at += 1
            out.append(re.escape(pattern[at]))
        elif char in "?*+@!" and pattern.startswith("(", at + 1):
            groups.append(_CLOSED[char])
            out.append("(?!" if char == "!" else "(?:")
            at += 1
        elif char == ")" and groups:
            out.append(")" + groups.pop())
        elif char == "|" and groups:
            out.append("|")
        elif char == "[" and (found := _BRACKET.match(pattern, at)):
            out.append(_bracket(found))
            at = found.end() - 1
        else:
            out.append({"*": ".*", "?": "."}.get(char) or re.escape(char))
        at += 1
    return "".join(out)


def _bracket(found: re.Match[str]) -> str:
    inner = re.sub(r"\[:(\w+):\]", lambda m: f"\0{m[1]}\0", found[2])
    inner = re.sub(r"([\\\[\]&~|^])", r"\\\1", inner.replace("\\", ""))
    inner = re.sub("\0(\\w+)\0", lambda m: _CLASSES.get(m[1], ""), inner)
    return f"[{'^' if found[1] else ''}{inner}]"


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches."""
    found = compiled(pattern) if _affordable(pattern, len(text), 0) else None
    return found is not None and found.fullmatch(text) is not None


def _affordable(pattern: str, length: int, loops: int) -> bool:
    """Whether a pattern is matched soon: each `*` may try every place of the text."""
    stars = len(re.findall(r"[*+]", pattern))
    work: int = (length + 1) ** (stars + loops) * (1 + pattern.count("(") ** 4)
    return work <= _WORK


def trimmed(op: str, pattern: str, text: str) -> str:
    """`${X#pattern}`, `##`, `%`, `%%`: without the shortest or longest front or end that matches."""
    found = compiled(pattern) if _affordable(pattern, len(text), 1) else None
    if found is None:
        return text
    places = range(len(text) + 1)
    front, longest = op[0] == "#", len(op) == 2
    for at in places if front != longest else reversed(places):
        if found.fullmatch(text[:at] if front else text[at:]):
            return text[at:] if front else text[:at]
    return text


def replaced(op: str, pattern: str, new: str, text: str) -> str:
    """`${X/pattern/new}`, `//` for all, `/#` at the front, `/%` at the end."""
    known = pattern or op in ("/#", "/%")
    found = compiled(pattern) if known and _affordable(pattern, len(text), 1) else None
    if found is None:
        return text
    if op in ("/#", "/%"):
        places = range(len(text), -1, -1) if op == "/#" else range(len(text) + 1)
        for at in places:
            if found.fullmatch(text[:at] if op == "/#" else text[at:]):
                return new + text[at:] if op == "/#" else text[:at] + new
        return text
    return found.sub(lambda m: new if m[0] else "", text, count=0 if op == "//" else 1)


def simple(expression: str, text: str) -> bool:
    """Whether a regular expression of the text's author is searched for soon."""
    repeated = len(re.findall(r"[*+{?]", expression))
    grouped = re.search(r"\)[*+{]", expression) is not None
    work: int = (len(text) + 1) ** (repeated + 1)
    return len(expression) <= 200 and not grouped and work <= _WORK
