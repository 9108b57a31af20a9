"""Words that were pasted from a page or another system: dashes and quotes that no shell knows, paths of Windows."""

from __future__ import annotations

import unicodedata

from doctor.base.late import late_pattern

DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
QUOTES = {"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u2018": "'", "\u2019": "'", "\u201a": "'",
          "\u2033": '"', "\u2032": "'", "\u00ab": '"', "\u00bb": '"'}  # fmt: skip
CONTINUES = {"`": "PowerShell", "^": "cmd"}
BLANKS = late_pattern("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
_DRIVE = late_pattern(r"^([A-Za-z]):[\\/](?![\\/])")
_SHARE = late_pattern(r"^\\\\[^\\/]+\\")


def suspicious(word: str) -> str | None:
    """What is wrong with a word, as a verb and its object; None where nothing is."""
    if word[:1] and word[0] in DASHES:
        name = unicodedata.name(word[0], "dash").lower()
        return f"contains {'an' if name[0] in 'aeiou' else 'a'} {name} instead of a hyphen"
    if word in CONTINUES:
        return f"is only the line continuation of {CONTINUES[word]}; a Linux shell continues a line after a backslash"
    if any(c in QUOTES for c in word):
        return "contains a typographic quotation mark instead of a plain one"
    if BLANKS.search(word):
        return "contains a space character that the shell does not split on"
    if not word.strip() and word:
        return "is an argument of spaces only: a backslash followed by a space does not continue the line"
    return None


def plain(word: str) -> str:
    """The word as a shell needs it: an em dash stands for two hyphens, and so does any dash before a long name."""
    if word[:1] and word[0] in DASHES:
        rest = word.lstrip(DASHES + "-")
        long = len(word) - len(rest) > 1 or word[0] == "\u2014" or len(rest.partition("=")[0]) > 3
        word = ("--" if long else "-") + rest
    if word in CONTINUES:
        return ""
    word = "".join(QUOTES.get(c, c) for c in word)
    word = BLANKS.sub("", word)
    if word[:1] in "'\"" and word[-1:] == word[:1] and len(word) > 1:
        word = word[1:-1]
    return word


def windows_path(word: str) -> str | None:
    """The path inside WSL for one of Windows (`D:\\models\\x`); the word itself where it has none, None for others."""
    value = word.partition("=")[2] if word.startswith("-") and "=" in word else word
    if found := _DRIVE.match(value):
        rest = value[2:].replace("\\", "/")
        return f"/mnt/{found[1].lower()}{rest}"
    return value if _SHARE.match(value) else None
