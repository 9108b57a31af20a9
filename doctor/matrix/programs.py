"""Programs that stand around a server's command, and those that only mention one: `matrices/programs.yaml`.

    wrappers("timeout")         # the rows of a program, one for each form of its subcommands
    wrapping_modules("pdb")     # those of `python -m pdb`
    mentioned("docker")         # what of it starts nothing

What the keys mean stands in `matrices/schema/programs.schema.json`.
"""

from __future__ import annotations

from dataclasses import field
from functools import cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.facts.codec import FactsError, from_json
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import plain

# meanings of options that take the next word, or the next two
VALUED = frozenset((
    "value", "text", "set", "unset", "cd", "user", "machine", "root", "image", "container", "distribution", "envfile",
    "split", "program", "export", "keepname", "unread", "toggle", "replace", "sets",
    "python", "project", "name", "prefix", "base",
))  # fmt: skip
PAIRED = frozenset(("pair", "setpair"))


@dataclass(frozen=True)
class Program:
    """One form of a program that starts another command.

    `verbs` are its subcommands (words, blank-separated; "" for none), `before` the options with a value in front of
    them. `words` are the roles of the positional words before the command, `role~pattern` where only some words fit.
    `options` are names by meaning. `command` says how the command is written. `machine` and `environment` say where it
    runs, with roles in braces, and `|` between texts of which the first that can be filled is taken. `clears`: it does
    not get the caller's variables, but for those of `retains`. `apart`: its files are not those of this machine.
    `adds`: where variables come from that are not read.
    """

    names: tuple[str, ...]
    source: str
    modules: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    before: str = ""
    words: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    command: str = "words"
    machine: str | None = None
    environment: str | None = None
    retains: str = ""
    clears: bool = False
    apart: bool = False
    adds: str | None = None
    assignments: bool = False
    separator: bool = False
    abbreviates: bool = False
    strict: bool = False
    plain: bool = False
    nocase: bool = False
    slashes: bool = False
    sequence: bool = False
    versioned: bool = False
    runner: str | None = None
    reads: bool = False
    folder: str | None = None

    def meanings(self) -> dict[str, str]:
        """What each option means, by name."""
        return _meanings(tuple(self.options.items()))


@dataclass(frozen=True)
class Mention:
    """A program that starts no server: whatever its words, or with one of the subcommands `verbs`."""

    program: str
    before: str = ""
    verbs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Programs:
    """The whole file."""

    verified: str
    wrappers: tuple[Program, ...]
    mentions: tuple[Mention, ...]


def programs() -> Programs:
    """The rows. Raises DataError for damaged data."""
    return _load(data_dir() / "programs.yaml")


def wrappers(name: str) -> tuple[Program, ...]:
    """The rows of the program of this name, without folder and `.exe`."""
    return _by_name(data_dir()).get(name, ())


def wrapping_modules(module: str) -> tuple[Program, ...]:
    """The rows of `python -m module`."""
    return _by_module(data_dir()).get(module, ())


def mentioned(name: str) -> tuple[Mention, ...]:
    """What of the program of this name starts nothing."""
    return _mentions(data_dir()).get(name, ())


@cache
def _meanings(options: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {name: meaning for meaning, names in options for name in names.split()}


@cache
def _by_name(data: Path) -> dict[str, tuple[Program, ...]]:
    out: dict[str, tuple[Program, ...]] = {}
    for row in _load(data / "programs.yaml").wrappers:
        for name in row.names:
            out[name] = (*out.get(name, ()), row)
    return out


@cache
def _by_module(data: Path) -> dict[str, tuple[Program, ...]]:
    out: dict[str, tuple[Program, ...]] = {}
    for row in _load(data / "programs.yaml").wrappers:
        for name in row.modules:
            out[name] = (*out.get(name, ()), row)
    return out


@cache
def _mentions(data: Path) -> dict[str, tuple[Mention, ...]]:
    out: dict[str, tuple[Mention, ...]] = {}
    for row in _load(data / "programs.yaml").mentions:
        for name in row.program.split():
            out[name] = (*out.get(name, ()), row)
    return out


@cache
def _load(path: Path) -> Programs:
    try:
        data = plain(path)
        if isinstance(data, dict):
            data["mentions"] = [{"program": m} if isinstance(m, str) else m for m in data.get("mentions", ())]
        return from_json(Programs, data, path.name)
    except (FactsError, TypeError) as error:
        raise DataError(f"`{path}` cannot be used: {error}") from error
