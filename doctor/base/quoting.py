"""Words as a POSIX shell takes them back, with nothing in them that a terminal would not show."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from doctor.base.late import late_pattern
from doctor.base.text import UNSEEN

_RUNS = late_pattern(f"({UNSEEN.pattern}+)")


def quoted(word: str) -> str:
    """One word. Control, bidirectional and zero-width characters are left to `printf`."""
    if not UNSEEN.search(word):
        return shlex.quote(word)
    return "".join(_unseen(part) if n % 2 else shlex.quote(part) for n, part in enumerate(_RUNS.split(word)) if part)


def joined(words: Iterable[str]) -> str:
    """Words as one line."""
    return " ".join(map(quoted, words))


def _unseen(text: str) -> str:
    octal = "".join(f"\\{byte:03o}" for byte in text.encode("utf-8", "surrogateescape"))
    return f"\"$(printf '{octal}')\""
