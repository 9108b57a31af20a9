"""Words that start a server, by the forms in which the engines are started; nothing around them is taken off here."""

from __future__ import annotations

import re

from doctor.base.record import dataclass
from doctor.launch.container import compose_up, subcommand
from doctor.launch.shell import PYTHON
from doctor.matrix.engines import engines, launched

_SUBCOMMAND = 4
_FAR = 400


@dataclass(frozen=True)
class Invoked:
    """What a command line runs: a program or a Python module or script (`program` with `script` set), and its words."""

    program: str | None
    module: str | None
    arguments: tuple[str, ...]
    script: bool = False


def name_of(word: str) -> str:
    """The program's name without its folder and `.exe`."""
    return re.split(r"[\\/]", word)[-1].removesuffix(".exe")


def invoked(words: tuple[str, ...]) -> Invoked | None:
    """What the words run; None for no words, and for Python with neither module nor script."""
    if not words:
        return None
    if not PYTHON.match(re.split(r"[\\/]", words[0])[-1]):
        return Invoked(name_of(words[0]), None, words[1:])
    at = 1
    while at < len(words):
        word = words[at]
        if not word.startswith("-") or word == "-":
            return Invoked(re.split(r"[\\/]", word)[-1], None, words[at + 1 :], True)
        if word.startswith("--"):
            at += 2 if word == "--check-hash-based-pycs" else 1
            continue
        letters = re.match(r"-([bBdEhiIOPqRsSuvVx?]*)([mcWX]?)(.*)$", word, re.DOTALL)
        if letters is None or letters[2] == "c":
            return None
        if letters[2] == "m":
            rest = words[at + 1 :]
            module, rest = (letters[3], rest) if letters[3] else (rest[0] if rest else "", rest[1:])
            return Invoked(None, module, rest) if module else None
        at += 2 if letters[2] and not letters[3] else 1
    return None


def subcommand_of(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The words in front of the first option, four at most."""
    first = next((i for i, w in enumerate(arguments[:_SUBCOMMAND]) if w.startswith("-")), _SUBCOMMAND)
    return arguments[:first]


def serves(words: tuple[str, ...]) -> bool:
    """Whether the words start a server of an engine, in a container or not."""
    if found := subcommand(words):
        return found[0] != "compose" or compose_up(found[1]) is not None
    run = invoked(words)
    return run is not None and launched(run.program, run.module, subcommand_of(run.arguments)) is not None


def of_an_engine(words: tuple[str, ...]) -> bool:
    """Whether an engine's own program or module is run, a server or not."""
    run = invoked(words)
    if run is None:
        return False
    forms = [form for one in engines() for form in one.launches]
    if run.module:
        return any(run.module.split(".")[0] == one.package for one in engines())
    return any(form.program == run.program for form in forms)


def hidden_start(words: tuple[str, ...]) -> int | None:
    """Where a known start form begins behind the first word, None where none does."""
    forms = [form for one in engines() for form in one.launches if form.subcommand or form.module]
    for at in range(1, min(len(words), _FAR)):
        name = name_of(words[at])
        if PYTHON.match(name):
            if serves(words[at:]):
                return at
        elif words[at] == "-m" and any(f.module in words[at + 1 : at + 2] for f in forms):
            if serves(("python", *words[at:])):
                return at
        elif any(
            f.program == name and f.subcommand and f.subcommand == words[at + 1 : at + 1 + len(f.subcommand)]
            for f in forms
        ):
            return at
    return None
