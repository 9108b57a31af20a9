"""The answer of `qvl-doctor link` for a person: how many modules fail, then each cause with what it stops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from doctor.base.text import plural
from doctor.facts import Cause, Modules
from doctor.report.content import ANSWERS, SIGNS, Answer
from doctor.report.rows import Rows

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 8


def print_links(modules: Modules, console: Console, names: Sequence[str] = ()) -> None:
    """The verdict first, then the causes, those that stop the most modules first."""
    out, groups = Rows(console), _by_cause(modules)
    _verdict(modules, len(groups), ", ".join(names), out)
    for cause, stopped in sorted(groups.values(), key=lambda group: -len(group[1])):
        out.blank()
        out.block(f"{cause.kind}: {cause.text}", style="bold red")
        if cause.file:
            out.row("at", cause.file if cause.line is None else f"{cause.file}:{cause.line}", indent="  ", style="dim")
        more = f" and {len(stopped) - SHOWN} more" if len(stopped) > SHOWN else ""
        out.row("stops", ", ".join(stopped[:SHOWN]) + more, indent="  ")


def _by_cause(modules: Modules) -> dict[tuple[object, ...], tuple[Cause, list[str]]]:
    """The modules that fail, by the statement that fails; how it was reached differs from module to module."""
    groups: dict[tuple[object, ...], tuple[Cause, list[str]]] = {}
    for name, status in sorted(modules.verdicts.items()):
        if status.status == "fail" and (cause := status.cause) is not None:
            key = (cause.kind, cause.module, cause.name, cause.file, cause.line)
            groups.setdefault(key, (cause, []))[1].append(name)
    return groups


def _verdict(modules: Modules, causes: int, names: str, out: Rows) -> None:
    counts = {s: sum(v.status == s for v in modules.verdicts.values()) for s in ("ok", "fail", "unknown")}
    failed, total = counts["fail"], plural(len(modules.verdicts), "module")
    kind: Answer = "error" if failed else "open" if counts["unknown"] else "pass"
    said = f"{total}: {'none fails' if counts['unknown'] else 'all can be imported'}"
    if failed:
        said = f"{failed} of {total} cannot be imported, for {plural(causes, 'reason')}"
    unknown = f"; {counts['unknown']} unknown" if counts["unknown"] else ""
    lead = f"{names}: " if names else ""
    out.block(f"{SIGNS[kind]} {lead}{said}{unknown}.", style=ANSWERS[kind])
