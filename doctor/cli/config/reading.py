"""The configuration file: where it is looked for, and what it says. It is read like any file of a stranger."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

import click

from doctor.base.files import Files, Unreadable
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.base.toml_text import TomlError, load
from doctor.cli.config.keys import OF_A_FILE, OF_A_LAUNCH, Key, Place, known_only, one_text, texts, value_of
from doctor.findings.settings import Ignored
from doctor.launch.typed_line import argv_of

OWN, SHARED, TABLE = "qvl-doctor.toml", "pyproject.toml", "tool.qvl-doctor"
LARGEST = 1 << 20
MOST_LAUNCHES = 40
_HEADER = late_pattern(r"(?m)^\s*\[\s*tool\s*\.\s*[\"']?qvl-doctor[\"']?\s*[.\]]")


@dataclass(frozen=True)
class Section:
    """What the file says of all checks, or of one launch: values by key, rules to leave out, the command's words."""

    values: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[Ignored, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """A configuration: `file` as the user would name it, and the folder from which its paths count."""

    file: str
    folder: str
    whole: Section = Section()
    select: tuple[str, ...] = ()
    launches: Mapping[str, Section] = field(default_factory=dict)


def configuration(named: str | None) -> Config | None:
    """The file that `--config` names, else the nearest one of the project. Raises click.UsageError."""
    if named is not None:
        file = Path(named)
        place = Place(named, TABLE if file.name == SHARED else "", str(file.parent))
        table = _table(place, required=True)
        return _config(place, table or {})
    try:
        here = Path.cwd()
    except FileNotFoundError:  # removed meanwhile: what needs it says so
        return None
    for folder in _folders(here):
        shown = "" if folder == here else os.path.relpath(folder, here)
        own = Place(os.path.join(shown, OWN), "", shown)
        shared = Place(os.path.join(shown, SHARED), TABLE, shown)
        found = [(p, t) for p in (own, shared) if os.path.lexists(p.file) and (t := _table(p)) is not None]
        if len(found) > 1:
            raise click.UsageError(f"{own.file} and [{TABLE}] in {shared.file} both configure qvl-doctor; keep one")
        if found:
            return _config(*found[0])
    return None


def _folders(here: Path) -> list[Path]:
    """This folder, and in a repository those above it up to its root: what is above is not of the project."""
    above = [here, *here.parents]
    root = next((n for n, folder in enumerate(above) if os.path.lexists(folder / ".git")), 0)
    return above[: root + 1]


def _table(place: Place, required: bool = False) -> Mapping[str, Any] | None:
    """The table that is ours; None for a pyproject.toml of others. Raises click.UsageError."""
    shared = bool(place.table)
    try:
        text = Files().read(place.file, LARGEST).decode("utf-8-sig")
    except (Unreadable, UnicodeDecodeError) as error:
        if shared and not required:
            return None
        raise click.UsageError(f"{place.file} {error if isinstance(error, Unreadable) else 'is not UTF-8'}") from None
    if shared and not required and "qvl-doctor" not in text:
        return None
    try:
        data: Any = load(text)
    except TomlError as error:
        if shared and not required and not _HEADER.search(text):
            return None
        raise click.UsageError(f"{place.file} is {error}") from None
    for name in TABLE.split(".") if shared else ():
        data = data.get(name) if isinstance(data, dict) else None
    if data is None and required:
        raise click.UsageError(f"{place.file} has no [{TABLE}]")
    if data is not None and not isinstance(data, dict):
        raise click.UsageError(f"{place.file}: `{place.table}` must be a table")
    return data


def _config(place: Place, table: Mapping[str, Any]) -> Config:
    known_only(place, table, (*OF_A_FILE, "select", "ignore", "launch"))
    launches = _tables(place, "launch", table.get("launch", {}))
    if len(launches) > MOST_LAUNCHES:
        raise place.wrong(f"{len(launches)} launches, more than the {MOST_LAUNCHES} that are read")
    whole = _section(place, table, OF_A_FILE)
    sections = {name: _launch(place.within(f"launch.{name}"), whole, one) for name, one in launches.items()}
    return Config(place.file, place.folder, whole, _codes(place, "select", table.get("select")), sections)


def _tables(place: Place, name: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(one, dict) for one in value.values()):
        raise place.wrong(f"`{name}` must hold a table for each name: [{place.within(name).table}.NAME]")
    return value


def _launch(place: Place, whole: Section, table: Mapping[str, Any]) -> Section:
    known_only(place, table, ("command", *OF_A_LAUNCH, "ignore"))
    section = _section(place, table, OF_A_LAUNCH, _command(place, table.get("command")))
    stated = any(OF_A_FILE[key].environment for key in (*section.values, *whole.values))
    if not section.command and not stated:
        raise place.wrong("a launch needs a `command`, or an environment that states one, such as `compose`")
    return section


def _section(place: Place, table: Mapping[str, Any], keys: Mapping[str, Key], command: tuple[str, ...] = ()) -> Section:
    values = {name: value_of(place, name, key, table[name]) for name, key in keys.items() if name in table}
    return Section(values, _ignored(place, table.get("ignore")), command)


def _command(place: Place, value: Any) -> tuple[str, ...]:
    """The words of a command: a list as it is, a text as a shell would split it; a text with more in it is a script."""
    if value is None:
        return ()
    if isinstance(value, list):
        return texts(place, "command", value)
    text = one_text(place, "command", value)
    try:
        return argv_of(text)
    except ValueError as error:
        raise place.wrong(f"`command` cannot be split into words: {str(error).lower()}") from None


def _ignored(place: Place, value: Any) -> tuple[Ignored, ...]:
    if value is None:
        return ()
    example = 'ignore = {PKG004 = "known upstream, fixed in the next release"}'
    if not isinstance(value, dict):
        raise place.wrong(f"each ignored rule needs a reason: {example}")
    out = list[Ignored]()
    for code, reason in value.items():
        if not isinstance(reason, str) or not reason.strip():
            raise place.wrong(f"`{one_line(code, 20)}` is ignored without a reason; write {example}")
        out += [Ignored(one, one_line(reason, 200)) for one in _codes(place, "ignore", code)]
    return tuple(out)


def _codes(place: Place, name: str, value: Any) -> tuple[str, ...]:
    """Codes of rules or their beginnings. Raises click.UsageError for one that no rule has."""
    if value is None:
        return ()
    import difflib

    from doctor.rules import RULES

    out, every = [], [rule.code for rule in RULES]
    for text in texts(place, name, value):
        code = text.strip().upper()
        if not any(one.startswith(code) for one in every):
            near = difflib.get_close_matches(code, every, 1)
            hint = f"did you mean `{near[0]}`?" if near else "`qvl-doctor rules` lists them"
            raise place.wrong(f"`{name}`: no rule has the code `{one_line(code, 20)}`; {hint}")
        out.append(code)
    return tuple(out)
