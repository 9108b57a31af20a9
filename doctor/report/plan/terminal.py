"""A plan for a person: the answer first, then each change with its reason, the commands, and what was proven.

Readable at 80 columns, without colour and through a pipe.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from doctor.base.quoting import quoted
from doctor.base.text import clean
from doctor.facts import Launch
from doctor.findings import ALONG, Action, Plan, Step
from doctor.launch.naming import typed
from doctor.report.closing import by_reason, open_questions
from doctor.report.content import head, plural
from doctor.report.launch import not_found
from doctor.report.terminal import block, row

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
    from rich.text import Text

    for label, text in head(before):
        row(console, label, text)
    console.print()
    left = by_reason(open_questions(after)) if after is not None and _whole(plan) and not idle else {}
    console.print(Text(clean(_answer(before, plan, idle, len(left))), style=_style(before, plan, idle, len(left))))
    if idle:
        _open(before, console)
    _steps(plan, console)
    _commands(before, plan, console)
    _conflict(before, plan, console)
    _exits(plan, console)
    console.print()
    _proof(plan, console, idle)
    for reason, codes in list(left.items())[:MOST_OPEN]:
        row(console, "open", f"{codes}: {reason}")


def _open(before: Report, console: Console) -> None:
    """What is open, a line for each thing that would close it, with what it would answer."""
    questions = open_questions(before)
    for closes in dict.fromkeys(q.closes for q in questions):
        console.print()
        if closes:
            block(console, f"These need {closes}:", "")
        for reason, codes in by_reason(q for q in questions if q.closes == closes).items():
            row(console, "open", f"{reason} ({codes})", indent="  ")


def _style(before: Report, plan: Plan, idle: bool, left: int) -> str:
    if left:
        return "bold yellow"
    if idle:
        return "bold yellow" if open_questions(before) else "bold green"
    return "bold green" if _whole(plan) else "bold red"


def _whole(plan: Plan) -> bool:
    return bool(plan.steps) and not plan.remains and plan.conflict is None


def _answer(before: Report, plan: Plan, idle: bool, left: int) -> str:
    if (lost := not_found(before)) is not None:
        return f"○ {lost}"
    if idle:
        count = len(open_questions(before))
        return f"○ Nothing found to fix, {count} open." if count else "✓ Nothing to do: no error was found."
    if plan.undecided:
        return "○ Undecided: no plan was made."
    if plan.conflict is not None:
        alone = len(plan.conflict.members) == 1
        return "✗ No plan satisfies this request: " + ("no release works." if alone else "its requirements conflict.")
    if not plan.steps:
        told = f"✗ No release helps: {', '.join(plan.remains)} remains. Run `qvl-doctor check` for what to do."
        return f"{told} `--format compose` writes the corrected file." if _of_container(before) else told
    if plan.remains:
        return f"✗ Partial fix: {', '.join(plan.remains)} remains."
    told = f"Fix found: {plural(len(_asked(plan)), 'change')}"
    return f"○ {told}, {left} open." if left else f"✓ {told}."


def _of_container(before: Report) -> bool:
    """Whether the container of the command is known, so that a whole file can be written for it."""
    return isinstance(before.facts.launch, Launch) and before.facts.launch.container is not None


def _asked(plan: Plan) -> list[Step]:
    return [s for s in plan.steps if s.why != ALONG]


def _steps(plan: Plan, console: Console) -> None:
    from rich.text import Text

    for step in _asked(plan):
        console.print()
        console.print(Text(f"{_shown(step.action, plan)}", style="bold"))
        row(console, "why", step.why, indent="  ")
        if step.resolves:
            codes = dict.fromkeys(key.partition(":")[0] for key in step.resolves)
            row(console, "resolves", ", ".join(codes), indent="  ")
    along = [s for s in plan.steps if s.why == ALONG]
    if along:
        console.print()
        names = [f"{s.action.package} {(s.action.specifier or '').removeprefix('==')}" for s in along]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        block(console, f"Along with them: {', '.join(names[:SHOWN])}{more}.", "")


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


def _commands(before: Report, plan: Plan, console: Console) -> None:
    from rich.text import Text

    if plan.commands:
        console.print()
        console.print(Text("Commands", style="bold"))
        for command in plan.commands:
            for line in wrapped(command):
                console.print(Text(f"  {line}"), soft_wrap=True)
    if plan.launch and plan.steps:
        console.print(Text(_start(before, plan), style="bold"))
        console.print(Text(f"  {clean(_typed(before, plan))}"), soft_wrap=True)


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


def _conflict(before: Report, plan: Plan, console: Console) -> None:
    if plan.undecided and not_found(before) is None:
        console.print()
        block(console, plan.undecided, "  ")
    for sentence in plan.conflict.sentences if plan.conflict else ():
        console.print()
        block(console, sentence, "  ")


def _exits(plan: Plan, console: Console) -> None:
    from rich.text import Text

    if plan.alternatives:
        console.print()
        console.print(Text("What would work instead", style="bold"))
    for number, one in enumerate(plan.alternatives, 1):
        block(console, f"{number}. {one.title}", "  ")
        main = [f"{n}=={v}" for n, v in one.pins.items()]
        if main:
            row(console, "with", ", ".join(main[:SHOWN]), indent="     ")
        for command in one.commands if number <= FULL else one.commands[-1:]:
            for line in wrapped(command, 74):
                console.print(Text(f"     {line}"), soft_wrap=True)


def _proof(plan: Plan, console: Console, idle: bool) -> None:
    if idle or plan.conflict is not None or plan.undecided:
        return
    told = ["every rule was run on the predicted environment"] if plan.verified.rules else []
    if plan.changes:
        told.append(f"{plan.verified.resolver} resolved these pins" if plan.verified.resolver else "no resolver ran")
    row(console, "proven", "; ".join(told))
    if plan.verified.note:
        row(console, "note", plan.verified.note, style="dim")
