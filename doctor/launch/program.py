"""Which program or `python -m` module a command's own words start. Pure: nothing is looked up."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.base.record import dataclass

PYTHON = late_pattern(r"(?:python|pypy)[0-9.]{0,6}t?(?:\.exe)?$")
_WORDS = 4


@dataclass(frozen=True, slots=True)
class Program:
    """The console command `name` or the module of `python -m`, both None for neither, and the words behind it."""

    name: str | None = None
    module: str | None = None
    rest: tuple[str, ...] = ()

    @property
    def subcommand(self) -> tuple[str, ...]:
        """The first words that are no options: which of them make the subcommand, the engine tells."""
        out = []
        for word in self.rest[:_WORDS]:
            if word.startswith("-"):
                break
            out.append(word)
        return tuple(out)


def program_of(words: tuple[str, ...]) -> Program:
    """What a command starts; of `python FILE`, the file by its name."""
    name = base_name(words[0]) if words else None
    if name is None or not PYTHON.match(name):
        return Program(name.removesuffix(".exe") if name else None, None, words[1:])
    at = 1
    while at < len(words):
        word = words[at]
        if word == "-m" and at + 1 < len(words):
            return Program(None, words[at + 1], words[at + 2 :])
        if word.startswith("-m") and len(word) > 2:
            return Program(None, word[2:], words[at + 1 :])
        if re.fullmatch(r"-[A-Za-ln-z]*m", word) and at + 1 < len(words):
            return Program(None, words[at + 1], words[at + 2 :])
        if re.fullmatch(r"-[A-Za-bd-z]*c", word):
            return Program()
        if not word.startswith("-"):
            return Program(base_name(word), None, words[at + 1 :])
        at += 2 if word in ("-X", "-W") else 1
    return Program()


def name_of(word: str) -> str:
    """The program's name without its folder and `.exe`."""
    return base_name(word).removesuffix(".exe")


def base_name(word: str) -> str:
    """The file name of a program, whichever slashes its path has."""
    return re.split(r"[\\/]", word)[-1]
