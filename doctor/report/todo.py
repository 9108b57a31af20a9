"""What to do about a report: one merged answer, with every line that has to be pasted for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from doctor.base.record import dataclass
from doctor.derived.merged_title import title
from doctor.findings import Action, Finding, Remediation, Report
from doctor.report.commands import together
from doctor.report.edits import edits
from doctor.report.language.headline import way
from doctor.report.launch import correction
from doctor.report.places import own_report


@dataclass(frozen=True, slots=True)
class Todo:
    """What fixes the report's first cause, and with it what one answer can fix.

    `steps` say it in words, `lines` are commands of a shell in order, `start` is the corrected launch command and
    `note` where it belongs. Where the command comes from a file, `edits` say which of its lines to change; `start` is
    empty then. `others` are further ways out of the first cause, each instead of `steps`.
    """

    steps: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    start: str = ""
    note: str = ""
    others: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()

    @property
    def paste(self) -> tuple[str, ...]:
        """Every line to paste, the server's start last."""
        return tuple(line for line in (*self.lines, self.start) if line)


def todo(report: Report) -> Todo:
    """The answer for the gravest finding; empty where nothing was found, or where nobody knows what helps."""
    first = next(iter(report.findings), None)
    if first is None or first.severity == "note":
        return Todo()
    ways = _ways(report, first)
    actions = [a for one in ways for a in one.actions]
    model = next((a.name for a in actions if a.kind == "use_model"), None)
    own = own_report(report, first)
    found, placed = correction(own, actions, model), edits(own, actions, model)
    lines = [line for one in ways for line in together(_without(one, placed.done))]
    found = None if placed.whole else found
    others = [way(r) for r in first.remediations if r not in ways and report.way_out not in ways][:2]
    return Todo(
        tuple(_said(ways)), tuple(dict.fromkeys(lines)), found.line if found else "", found.note if found else "",
        tuple(others), placed.said,
    )  # fmt: skip


def _without(way: Remediation, done: Iterable[Action]) -> Remediation:
    return replace(way, actions=tuple(a for a in way.actions if a not in set(done)))


def _ways(report: Report, first: Finding) -> list[Remediation]:
    """The way out of all errors, after the first cause's own where that one is not part of it."""
    own, together = first.remediations[:1], report.way_out
    if together is None:
        return [*own]
    if _part(first.remediations, together):
        return [together]
    settled = {_about(a) for way in own for a in way.actions}
    rest = tuple(a for a in together.actions if _about(a) not in settled)
    if len(rest) < len(together.actions):  # the first cause's own fix says it already
        together = replace(together, title=title(rest), actions=rest)
    return [*own, together] if rest else [*own]


def _part(ways: Iterable[Remediation], whole: Remediation) -> bool:
    have = {_about(a) for a in whole.actions}
    return any(one.actions and {_about(a) for a in one.actions} <= have for one in ways)


def _about(action: Action) -> tuple[str, str | None]:
    return action.kind, action.package or action.name


def _said(ways: Iterable[Remediation]) -> list[str]:
    """The ways out in words; what remains after one of several is what the others are for."""
    all_ways = list(ways)
    return [way(one, noted=len(all_ways) == 1) for one in all_ways]
