"""Words that start a server, by the forms in which the engines are started; nothing around them is taken off here."""

from __future__ import annotations

from doctor.launch.container import compose_up, subcommand
from doctor.launch.program import PYTHON, Program, name_of, program_of
from doctor.matrix.engine_types import Engine
from doctor.matrix.engines import engines, launched
from doctor.matrix.images import names_of_others

_FAR = 400


def serves(words: tuple[str, ...]) -> bool:
    """Whether the words start a server of an engine, in a container or not."""
    if found := subcommand(words):
        return found[0] != "compose" or compose_up(found[1]) is not None
    run = _started(words)
    return run is not None and not _is_help(run)


def mentions_engine(text: str) -> bool:
    """Whether a serving engine's name stands anywhere in the text, such as an image and its command."""
    low = text.lower()
    return any(name in low for e in engines() if not e.library for name in _names(e))


def mentions_other(text: str) -> bool:
    """Whether a model server that the rules do not cover stands in the text, by its program, module or image."""
    low = text.lower()
    return any(name in low for name in names_of_others())


def is_engine(distribution: str) -> bool:
    """Whether a distribution, by its normalized name, is an engine that serves."""
    return any(distribution == one.name for one in engines() if not one.library)


def _names(one: Engine) -> set[str]:
    return {one.name, one.package, *(f.program for f in one.launches if f.program)}


def of_an_engine(words: tuple[str, ...]) -> bool:
    """Whether an engine's own program or module is run, a server or not."""
    run = program_of(words)
    forms = [form for one in engines() for form in one.launches]
    if run.module:
        return any(run.module.split(".")[0] == one.package for one in engines())
    return run.name is not None and any(form.program == run.name for form in forms)


def asks_for_help(words: tuple[str, ...]) -> bool:
    """Whether a start form has `-h` or `--help` behind it: argparse takes that word for no option's value."""
    run = _started(words)
    return run is not None and _is_help(run)


def _started(words: tuple[str, ...]) -> Program | None:
    """What is run, where that is a start form."""
    run = program_of(words)
    return run if launched(run.name, run.module, run.subcommand) is not None else None


def _is_help(run: Program) -> bool:
    options = run.rest[: run.rest.index("--")] if "--" in run.rest else run.rest
    return any(w in ("-h", "--help") or w.startswith("--help=") for w in options)


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
