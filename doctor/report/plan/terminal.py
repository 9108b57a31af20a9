"""A plan for a person: the answer first, then each change with its reason, the commands, and what was proven.

Readable at 80 columns, without colour and through a pipe.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from doctor.base.quoting import quoted
from doctor.base.text import clean, conjoined, plural
from doctor.derived.container import container_of
from doctor.facts import Launch
from doctor.findings import ALONG, Action, Plan, Step
from doctor.launch.naming import typed
from doctor.report.closing import open_questions
from doctor.report.content import about, subject
from doctor.report.launch import not_found
from doctor.report.rows import Rows
from doctor.report.screen import grouped

if TYPE_CHECKING:
    from rich.console import Console

    from doctor.findings import Report

SHOWN = 8
MOST_OPEN = 12
FULL = 3  # exits of which every command is shown


def print_plan(
    before: Report, plan: Plan, console: Console, *, idle: bool = False, after: Report | None = None
) -> None:  # fmt: skip
    """Prints the whole plan; `after` is the report on what it leads to."""
    out = Rows(console)
    left = grouped(after) if after is not None and _whole(plan) and not idle else ()
    count = sum(len(group.codes) for group in left)
    out.block(_answer(before, plan, idle, count), style=_style(before, plan, idle, count))
    for line in about(before):
        out.block(line, "  ", style="dim")
    _steps(plan, out)
    _commands(before, plan, out)
    _conflict(before, plan, out)
    _exits(plan, out)
    out.blank()
    _proof(plan, out, idle)
    for group in (left or (grouped(before) if idle else ()))[:MOST_OPEN]:
        out.row("open", group.said, style="dim")


def _style(before: Report, plan: Plan, idle: bool, left: int) -> str:
    if left:
        return "bold yellow"
    if idle:
        return "bold yellow" if open_questions(before) else "bold green"
    return "bold green" if _whole(plan) else "bold red"


def _whole(plan: Plan) -> bool:
    return bool(plan.steps) and not plan.remains and plan.conflict is None


def _answer(before: Report, plan: Plan, idle: bool, left: int) -> str:
    """The verdict on what was asked about, which it names."""
    if (lost := not_found(before)) is not None:
        return f"○ {lost}"
    sign, said = _came_out(before, plan, idle, left)
    return f"{sign} {clean(subject(before))}: {said}"


def _came_out(before: Report, plan: Plan, idle: bool, left: int) -> tuple[str, str]:
    remain = f"{', '.join(plan.remains)} {'remains' if len(plan.remains) == 1 else 'remain'}"
    if idle:
        count = len(open_questions(before))
        return ("○", f"nothing found to fix, {count} open.") if count else ("✓", "nothing to fix, no errors found.")
    if plan.undecided:
        return "○", "undecided, no plan was made."
    if plan.conflict is not None:
        alone = len(plan.conflict.members) == 1
        why = "no release works." if alone else "its requirements conflict."
        return "✗", f"no plan satisfies this request: {why}"
    if not plan.steps:
        more = " `--format compose` writes the corrected file." if _of_container(before) else ""
        return "✗", f"no release helps: {remain}. Run `qvl-doctor check` for what to do.{more}"
    if plan.remains:
        return "✗", f"partial fix: {remain}."
    found = f"fix found: {plural(len(_asked(plan)), 'change')}"
    return ("○", f"{found}, {left} open.") if left else ("✓", f"{found}.")


def _of_container(before: Report) -> bool:
    """Whether the container of the command is known, so that a whole file can be written for it."""
    return container_of(before.facts) is not None


def _asked(plan: Plan) -> list[Step]:
    return [s for s in plan.steps if s.why != ALONG]


def _steps(plan: Plan, out: Rows) -> None:
    for steps in _together(_asked(plan)):
        out.blank()
        options = [s.action for s in steps if s.action.kind == "set_argument"]
        said = _launched(options) if len(options) > 1 else _shown(steps[0].action, plan)
        out.line(said, "bold")
        out.row("why", steps[0].why, indent="  ")
        codes = dict.fromkeys(key.partition(":")[0] for step in steps for key in step.resolves)
        if codes:
            out.row("resolves", ", ".join(codes), indent="  ")
    along = [s for s in plan.steps if s.why == ALONG]
    if along:
        out.blank()
        names = [f"{s.action.package} {(s.action.specifier or '').removeprefix('==')}" for s in along]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        front = "Along with them" if len(along) < len(plan.steps) else "To be installed"
        out.block(f"{front}: {', '.join(names[:SHOWN])}{more}.", "")


def _together(steps: list[Step]) -> list[list[Step]]:
    """The steps, those together that change options for the same reason."""
    out: dict[str, list[Step]] = {}
    for number, step in enumerate(steps):
        out.setdefault(step.why if step.action.kind == "set_argument" else f"{number}", []).append(step)
    return list(out.values())


def _launched(options: list[Action]) -> str:
    """What several options become, as one sentence."""
    given = [f"{a.name} {a.value}".strip() for a in options if a.value is not None]
    gone = [str(a.name) for a in options if a.value is None]
    said = [f"with {conjoined(given)}" if given else "", f"without {conjoined(gone)}" if gone else ""]
    return clean(f"launch {', '.join(filter(None, said))}")


def _shown(action: Action, plan: Plan) -> str:
    if action.kind == "install" and action.package:
        was = plan.changes.get(action.package)
        to = (action.specifier or "").removeprefix("==")
        return clean(f"{action.direction} {action.package} {f'{was} -> {to}' if was else to}")
    if action.kind == "uninstall":
        return clean(f"uninstall {action.package}")
    if action.kind == "set_argument":
        return clean(f"launch with {action.name} {action.value}" if action.value else f"launch without {action.name}")
    if action.kind == "set_env":
        return clean(f"set {action.name}={action.value}")
    return clean(action.text or action.name or action.kind)


def _commands(before: Report, plan: Plan, out: Rows) -> None:
    if plan.commands:
        out.blank()
        out.line("Commands", "bold")
        for command in plan.commands:
            for line in wrapped(command):
                out.line(f"  {line}")
    if plan.launch and plan.steps:
        out.line(_start(before, plan), "bold")
        out.line(f"  {clean(_typed(before, plan))}")


def _typed(before: Report, plan: Plan) -> str:
    launch = before.facts.launch
    engine, given = (launch.engine, launch.given) if isinstance(launch, Launch) else (None, ())
    return typed(plan.command or plan.launch, engine, given)


def _start(before: Report, plan: Plan) -> str:
    """What the command is for: to be typed, or to stand in a script in place of the one there."""
    launch = before.facts.launch
    source = launch.source if isinstance(launch, Launch) and not plan.command else None
    said = f"change the server's command in {clean(source)} to" if source else "start it with"
    return f"Then {said}" if plan.commands else said[0].upper() + said[1:]


def wrapped(command: str, width: int = 78) -> list[str]:
    """A shell command over several lines, each but the last ending in a backslash."""
    if "$(" in command:  # a word that is no plain text is not split
        return [command]
    lines: list[str] = [""]
    for word in map(quoted, _split(command)):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width - 4:
            lines.append("  ")
        lines[-1] += word if not lines[-1].strip() else f" {word}"
    return [f"{line} \\" if n < len(lines) - 1 else line for n, line in enumerate(lines)]


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _conflict(before: Report, plan: Plan, out: Rows) -> None:
    if plan.undecided and not_found(before) is None:
        out.blank()
        out.block(plan.undecided, "  ")
    for sentence in plan.conflict.sentences if plan.conflict else ():
        out.blank()
        out.block(sentence, "  ")


def _exits(plan: Plan, out: Rows) -> None:
    if plan.alternatives:
        out.blank()
        out.line("What would work instead", "bold")
    for number, one in enumerate(plan.alternatives, 1):
        out.block(f"{number}. {one.title}", "  ")
        main = [f"{n}=={v}" for n, v in one.pins.items()]
        if main:
            out.row("with", ", ".join(main[:SHOWN]), indent="     ")
        for command in one.commands if number <= FULL else one.commands[-1:]:
            for line in wrapped(command, 74):
                out.line(f"     {line}")


def _proof(plan: Plan, out: Rows, idle: bool) -> None:
    if idle or plan.conflict is not None or plan.undecided:
        return
    told = ["every rule was run on the predicted environment"] if plan.verified.rules else []
    if plan.changes:
        told.append(f"{plan.verified.resolver} resolved these pins" if plan.verified.resolver else "no resolver ran")
    out.row("proven", "; ".join(told))
    if plan.verified.note:
        out.row("note", plan.verified.note, style="dim")
