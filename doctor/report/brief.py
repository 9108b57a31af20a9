"""A report, a plan or a crash in a few plain lines, below 2 kB: for shells, logs and agents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from doctor.base.text import clean, one_line
from doctor.findings import Finding, Report
from doctor.findings.proposal import Proposal
from doctor.report.content import SIGNS, about
from doctor.report.screen import finding_line, grouped, screen
from doctor.report.settings import settings_rows

MOST = 2000  # bytes
SENTENCE, COMMAND = 320, 600  # characters
_CUT = "...\n"


def report_to_brief(report: Report) -> str:
    """The verdict, its first cause, what to do, then a line for each other rule that found something or is open."""
    shown = screen(report)
    lines = [f"{SIGNS[shown.kind]} {shown.said}", f"target: {about(report)[0]}"]
    lines += [f"{label}: {text}" for label, text in settings_rows(report)]
    if (cause := shown.cause) is not None:
        lines.append(finding_line(cause))
    lines += [f"fix: {step}" for step in shown.todo.steps]
    lines += [f"edit: {one}" for one in shown.todo.edits]
    lines += [f"$ {one_line(line, COMMAND)}" for line in shown.todo.paste]
    lines += [f"{one.severity} {one.code}: {one.text}" for one in shown.also]
    lines += [f"open: {group.said}" for group in shown.open]
    return bounded(lines)


def plan_to_brief(found: Proposal) -> str:
    """What a plan leads to, its changes, the commands to paste, and what it leaves."""
    plan, left = found.plan, found.plan.remains
    lines = [_outcome(found), f"target: {about(found.before)[0]}"]
    lines += [f"change: {name} {old or 'not installed'} -> {plan.pins.get(name, 'removed')}"
              for name, old in plan.changes.items()]  # fmt: skip
    lines += [f"remains: {', '.join(left)}"] if left else []
    lines += [f"$ {one_line(line, COMMAND)}" for line in plan.commands]
    lines += [f"conflict: {sentence}" for sentence in (plan.conflict.sentences if plan.conflict else ())]
    lines += [f"instead: {one.title}" for one in plan.alternatives]
    lines += [f"open: {group.said}" for group in grouped(found.after or found.before)]
    return bounded(lines)


def _outcome(found: Proposal) -> str:
    plan = found.plan
    if found.idle:
        return f"{SIGNS['pass']} nothing to fix: {screen(found.before).said}"
    if plan.undecided or plan.conflict:
        return f"{SIGNS['error']} no plan: {plan.undecided or 'requirements conflict'}"
    how = "rules" + (f" and {plan.verified.resolver}" if plan.verified.resolver else "")
    proven = f"; proven by {how}" if plan.verified.rules else ""
    return f"{SIGNS['pass']} fixes {', '.join(plan.resolves) or 'what was asked'}{proven}"


def log_to_brief(findings: Sequence[Finding], stated: Report | None = None) -> str:
    """The cause that a log shows, its evidence and its ways out; then what `check` says of what the text states."""
    cause = findings[0]
    lines = [finding_line(cause)]
    lines += [f"{one.source or one.fact}: {one.observed or ''}" for one in cause.evidence[:3]]
    lines += [f"fix: {way.text}" for way in cause.remediations[:3]]
    lines += [f"{one.severity} {one.rule}: {one.message}" for one in findings[1:]]
    if stated is not None:
        lines += [f"environment: {one.severity} {one.rule}: {one.message}"
                  for one in stated.findings if one.severity != "note"]  # fmt: skip
    return bounded(lines)


def bounded(lines: Iterable[str]) -> str:
    """The lines, free of control characters, each and all together of bounded size; those with `$` are for a shell."""
    text = "".join(f"{clean(line if line.startswith('$') else one_line(line, SENTENCE))}\n" for line in lines)
    return text if len(text.encode()) <= MOST else _cut(text)


def _cut(text: str) -> str:
    """Whole lines, as many as there is room for."""
    kept = ""
    for line in text.splitlines(keepends=True):
        if len((kept + line + _CUT).encode()) > MOST:
            break
        kept += line
    return kept + _CUT
