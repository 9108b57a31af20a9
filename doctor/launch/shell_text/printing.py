"""`echo` and `printf`, as bash prints."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.launch.shell_text import marks

_ESCAPE = late_pattern(r"\\(?:0?([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v", "\\": "\\"}
_FORMAT = late_pattern(r"%(-?0?\d{0,3})(?:\.\d{0,3})?([sdiqbucx%])")
_ROUNDS = 200


def echoed(words: list[str]) -> str:
    """What `echo` prints."""
    rest, newline, escapes = words[1:], True, False
    while rest and re.fullmatch(r"-[neE]+", rest[0]):
        flags = rest.pop(0)
        newline, escapes = newline and "n" not in flags, (escapes or "e" in flags) and "E" not in flags
    text = " ".join(rest)
    return (unescaped(text) if escapes else text) + "\n" * newline


def unescaped(text: str) -> str:
    """With `\\n` and its kind as the characters that they stand for."""

    def character(found: re.Match[str]) -> str:
        if found[1] or found[2]:
            return chr(int(found[1], 8) & 0xFF if found[1] else int(found[2], 16))
        return _NAMED.get(found[3], found[0])

    return _ESCAPE.sub(character, text)


def formatted(words: list[str]) -> str:
    """What `printf FORMAT WORDS` prints."""
    if len(words) < 2 or not marks.known(words[1]):
        return marks.computed(" ".join(words)) if len(words) > 1 else ""
    pattern, given = unescaped(words[1]), list(words[2:])
    out = ""
    for _ in range(_ROUNDS):
        before = len(given)
        out += _FORMAT.sub(lambda m: _one(m, given), pattern)
        if not given or len(given) == before:
            break
    return out


def _one(found: re.Match[str], given: list[str]) -> str:
    if found[2] == "%":
        return "%"
    text = given.pop(0) if given else ""
    if found[2] in "diu":
        text = str(int(text)) if re.fullmatch(r"-?\d{1,18}", text) else text or "0"
    elif found[2] == "q":
        text = re.sub(r"([^\w@%+=:,./-])", r"\\\1", text) if marks.known(text) else text
    elif found[2] == "b":
        text = unescaped(text)
    width = found[1]
    if not width.lstrip("-"):
        return text
    size = int(width.lstrip("-"))
    return text.ljust(size) if width[0] == "-" else text.zfill(size) if width[0] == "0" else text.rjust(size)
