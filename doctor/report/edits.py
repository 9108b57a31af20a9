"""What has to be changed in the user's own files: the line, what stands there, and what should."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from doctor.base.json_object import JsonObject
from doctor.base.late import late_pattern
from doctor.base.quoting import quoted
from doctor.base.record import dataclass
from doctor.facts import Distributions, Launch, Pin, normalize
from doctor.facts.launch import DOCKERFILE, KUBERNETES, QUADLET, RAY
from doctor.findings import Action, Remediation, Report
from doctor.launch.edit import actions_for, edited, renamed
from doctor.launch.edit_in_file import LineEdit, line_edits
from doctor.launch.options import model_word
from doctor.report.language import say
from doctor.report.places import named

_NAME = late_pattern(r"[A-Za-z_][A-Za-z0-9_]{0,80}")
_PACKAGE = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


@dataclass(frozen=True, slots=True)
class Edits:
    """`said` are the changes in words, `lines` those of the command as data; `done` are the actions that they do.

    `whole`: they make the corrected command, so that it need not be shown.
    """

    said: tuple[str, ...] = ()
    lines: tuple[LineEdit, ...] = ()
    done: tuple[Action, ...] = ()
    whole: bool = False


def edits(report: Report, chosen: Sequence[Action] = (), model: str | None = None) -> Edits:
    """The changes that correct the command as `correction` does, and those that `chosen` asks of other lines."""
    launch = report.facts.launch
    lines: tuple[LineEdit, ...] = ()
    if isinstance(launch, Launch) and launch.written is not None:
        lines = changed(report, launch, actions_for(report.findings, chosen), model)
    pins = [(a, text) for a in chosen if (text := _pinned(report, a)) is not None]
    placed = launch.written.variables if isinstance(launch, Launch) and launch.written else {}
    variables = [a for a in chosen if a.kind == "set_env" and a.name in placed] if lines else []
    new = [(a, text) for a in chosen if a.name not in placed and (text := _variable(launch, a)) is not None]
    said = (*map(in_words, lines), *(text for _, text in (*new, *pins)))
    return Edits(tuple(dict.fromkeys(said)), lines, (*variables, *(a for a, _ in (*new, *pins))), bool(lines))


def changed(
    report: Report, launch: Launch, actions: Sequence[Action], model: str | None = None
) -> tuple[LineEdit, ...]:  # fmt: skip
    """The changes of the launch's own words and variables."""
    old = model_word(report.facts) if model else None
    now = renamed(launch, (old,), model) if model and old else launch
    now = edited(now, actions, report.facts.version(launch.engine or ""))
    placed = launch.written.variables if launch.written else {}
    return line_edits(launch, now.argv, [a for a in actions if a.name in placed])


def in_words(edit: LineEdit) -> str:
    """A change as a sentence."""
    place = f"{edit.path}:{edit.line}"
    if not edit.old:
        return say("{place}: add `{new}` after `{old}`", place=place, new=edit.shown, old=edit.after)
    if not edit.shown:
        return say("{place}: remove `{old}`", place=place, old=edit.old.strip(", \t"))
    return say("{place}: replace `{old}` with `{new}`", place=place, old=edit.old, new=edit.shown)


def edits_to_json(lines: Iterable[LineEdit]) -> list[JsonObject]:
    """The changes as data: what stands in a region of one line, and what is put there."""
    return [
        {"path": e.path, "line": e.line, "column": e.column, "end_column": e.end, "old": e.old, "new": e.new}
        for e in lines
    ]  # fmt: skip


def of_remediation(report: Report, way: Remediation) -> tuple[LineEdit, ...]:
    """What one way out changes in the file of the launch; empty where it asks for anything else."""
    launch = report.facts.launch
    if not isinstance(launch, Launch) or launch.written is None or not way.actions:
        return ()
    if not all(a.kind == "set_argument" or a.name in launch.written.variables for a in way.actions):
        return ()
    return changed(report, launch, way.actions)


def _pinned(report: Report, action: Action) -> str | None:
    """The line of a declaration that fixes another release than the one to install."""
    known = report.facts.distributions
    if action.kind != "install" or not isinstance(known, Distributions) or not _PACKAGE.fullmatch(action.package or ""):
        return None
    key = normalize(action.package or "")
    pin = next((p for p in reversed(known.declared) if p.key == key and not p.constraint and _has_line(p)), None)
    if pin is None:
        return None
    new = f"{action.package}{(action.specifier or '').replace(' ', '')}"
    name, _, line = pin.source.rpartition(":")
    place = f"{named(report, name)}:{line}"
    return say("{place}: replace `{old}` with `{new}`", place=place, old=pin.requirement, new=new)


def _has_line(pin: Pin) -> bool:
    return bool(re.search(r":\d+$", pin.source))


def _variable(launch: object, action: Action) -> str | None:
    """Where a variable that the file does not set yet belongs."""
    if not isinstance(launch, Launch) or launch.written is None or action.value is None:
        return None
    name, value = action.name or "", action.value
    if action.kind != "set_env" or not _NAME.fullmatch(name):
        return None
    path = launch.written.path
    how = launch.container.how if launch.container is not None else ""
    unit = how == QUADLET or path.endswith(".service")
    if how in (KUBERNETES, RAY):
        return _below(path, f"{{name: {name}, value: {json.dumps(value)}}}", "env")
    if how == "docker compose":
        return _below(path, f"{name}: {json.dumps(value)}", "environment")
    if unit:
        section = "[Container]" if how == QUADLET else "[Service]"
        return _below(path, f"Environment={quoted(f'{name}={value}')}", section)
    if how == DOCKERFILE:
        return say("{place}: add `{new}`", place=path, new=f"ENV {name}={quoted(value)}")
    if launch.written.line is None or how:
        return None
    place = f"{path}:{launch.written.line}"
    return say("{place}: add `{new}` above", place=place, new=f"export {name}={quoted(value)}")


def _below(path: str, new: str, key: str) -> str:
    return say("{place}: add `{new}` under `{key}`", place=path, new=new, key=key)
