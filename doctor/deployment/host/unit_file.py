"""The syntax of systemd's unit files: sections, keys, and values split into words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from doctor.base.late import late_pattern

MOST_LINES = 5000
MOST_WORDS = 5000
LONGEST = 1 << 18
Sections = dict[str, list[tuple[str, str]]]
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_CODE = late_pattern(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})")
_BRACED = late_pattern(r"\$\$|\$\{([A-Za-z_]\w*)\}")
_WHOLE = late_pattern(r"\$([A-Za-z_]\w*)$")


def sections(text: str) -> Sections:
    """The keys of every section, in their order. A backslash at the end of a line joins it to the next with a blank."""
    out: Sections = {}
    here: list[tuple[str, str]] = []
    for line in _logical(text):
        if line.startswith("[") and line.rstrip().endswith("]"):
            here = out.setdefault(line.strip()[1:-1], [])
        elif "=" in line:
            key, _, value = line.partition("=")
            here.append((key.strip(), value.strip()))
    return out


def _logical(text: str) -> Iterator[str]:
    parts: list[str] = []
    for raw in text.splitlines()[:MOST_LINES]:
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not parts):
            continue
        joined = line.endswith("\\")
        parts.append(line[:-1].rstrip() if joined else line)
        if not joined:
            yield " ".join(parts)[:LONGEST]
            parts = []
    if parts:
        yield " ".join(parts)[:LONGEST]


def values(keys: list[tuple[str, str]], name: str) -> list[str]:
    """All values of a key; an empty one drops those before it."""
    out: list[str] = []
    for key, value in keys:
        if key == name:
            out = [*out, value] if value else []
    return out


def last(keys: list[tuple[str, str]], name: str) -> str | None:
    """The last value of a key, None where it is not set."""
    found = values(keys, name)
    return found[-1] if found else None


def split(text: str) -> list[str]:
    """The words of a value: quotes hold blanks, backslashes are those of C."""
    out: list[str] = []
    word: list[str] = []
    quote, begun, at, text = "", False, 0, text[:LONGEST]
    while at < len(text) and len(out) < MOST_WORDS:
        char = text[at]
        at += 1
        if char == "\\" and at < len(text):
            char, at = _escaped(text, at)
            word.append(char)
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        elif not quote and char.isspace():
            out += ["".join(word)] if begun else []
            word, begun = [], False
            continue
        else:
            word.append(char)
        begun = True
    return [*out, "".join(word)] if begun else out


def _escaped(text: str, at: int) -> tuple[str, int]:
    """What a backslash in front of `at` makes, and where it ends."""
    char = text[at]
    if char in _ESCAPES:
        return _ESCAPES[char], at + 1
    if found := _CODE.match(text, at):
        digits = found[1] or found[2] or found[3]
        code = int(digits, 16) if digits else int(found[4], 8)
        return (chr(code) if code < 0x110000 else "?"), found.end()
    return (char if char in "\\\"' ;" else f"\\{char}"), at + 1


def expanded(words: list[str], environ: Mapping[str, str], unset: set[str], *, complete: bool = True) -> list[str]:
    """Variables in words: `${A}` stays within its word, `$A` that is a whole word is split at blanks, `$$` is `$`.

    A variable that nothing sets is empty, and its name is put into `unset`; where the environment is not `complete`,
    `${A}` stays as it is written.
    """
    out: list[str] = []
    for word in words:
        if len(out) > MOST_WORDS:
            break
        if whole := _WHOLE.match(word):
            if whole[1] not in environ:
                unset.add(whole[1])
            out += environ.get(whole[1], "").split()[:MOST_WORDS]
            continue
        out.append(_BRACED.sub(lambda found: _value(found, environ, unset, complete), word)[:LONGEST])
    return out


def _value(found: re.Match[str], environ: Mapping[str, str], unset: set[str], complete: bool) -> str:
    if found[1] is None:
        return "$"
    if found[1] not in environ:
        unset.add(found[1])
    return environ.get(found[1], "" if complete else found[0])
