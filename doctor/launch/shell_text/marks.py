"""Text with parts whose value is known only at run time: such a part is kept as it is written, between two marks.

A marked part is `OPEN kind name MIDDLE shown CLOSE`. The kinds: `v` a variable that is set nowhere, `r` a value that a
program computes, `d` a default that holds unless somebody sets the variable.
"""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.base.text import one_line

OPEN, MIDDLE, CLOSE = "\ue000", "\ue001", "\ue002"
_PART = late_pattern(f"{OPEN}(.)([^{MIDDLE}]*){MIDDLE}([^{CLOSE}]*){CLOSE}", re.DOTALL)
_ANY = late_pattern(f"[{OPEN}{MIDDLE}{CLOSE}]")
_SENTENCES = 8


def without_marks(text: str) -> str:
    """Text of others, in which a mark of ours means nothing."""
    return _ANY.sub("?", text)


def unset(name: str, shown: str) -> str:
    """The value of a variable that is set nowhere."""
    return f"{OPEN}v{name}{MIDDLE}{plain(shown)}{CLOSE}"


def computed(shown: str) -> str:
    """A value that is known only when the script runs."""
    return f"{OPEN}r{MIDDLE}{plain(shown)}{CLOSE}"


def default(name: str, shown: str) -> str:
    """A default that is used unless somebody sets the variable."""
    return shown if OPEN in shown else f"{OPEN}d{name}{MIDDLE}{shown}{CLOSE}"


def known(text: str) -> bool:
    """Whether every part of the text is known."""
    return OPEN not in text


def plain(text: str) -> str:
    """The text as it is shown, without marks."""
    return _PART.sub(r"\3", text) if OPEN in text else text


def guessed(text: str) -> str:
    """The text when what nobody sets is empty."""
    return _PART.sub(lambda m: "" if m[1] == "v" else m[3], text) if OPEN in text else text


def names(text: str) -> frozenset[str]:
    """The variables that would have to be set for another text."""
    return frozenset(m[2] for m in _PART.finditer(text) if m[2])


def runtime(text: str) -> bool:
    """Whether a program computes a part of it."""
    return f"{OPEN}r" in text


def only(text: str) -> str | None:
    """The variable that the whole text is, where it is one that is set nowhere."""
    found = _PART.fullmatch(text)
    return found[2] if found and found[1] == "v" else None


def pieces(text: str) -> list[str]:
    """The text cut before and after every marked part."""
    out, at = [], 0
    for found in _PART.finditer(text):
        out += [text[at : found.start()], found[0]]
        at = found.end()
    return [p for p in (*out, text[at:]) if p]


def sentences(words: tuple[str, ...]) -> tuple[str, ...]:
    """What could not be followed in the words."""
    out: dict[str, None] = {}
    for word in words:
        for kind, name, shown in _PART.findall(word):
            if kind == "v":
                out[f"the variable `${one_line(name, 80)}` is not set here"] = None
            elif kind == "d":
                out[f"`${one_line(name, 80)}` may be set in the environment; its default is assumed"] = None
            else:
                out[f"`{one_line(shown, 80)}` is known only when the script runs"] = None
    return tuple(out)[:_SENTENCES]
