"""A report for a person: the verdict, its first cause and what to do on one screen; the rest in groups, or with `-v`.

Readable at 80 columns, without colour and through a pipe. All text from outside goes through `clean`; nothing is
parsed as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from doctor.base.text import clean, plural
from doctor.findings import Finding, Report
from doctor.report.commands import commands
from doctor.report.content import ANSWERS, LABEL, SIGNS, about, answer, counted, evidence, undecided
from doctor.report.language import say
from doctor.report.language.headline import cause, way
from doctor.report.rows import Rows
from doctor.report.screen import Also, Screen, certainty, screen
from doctor.report.settings import launch_name, settings_rows

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
FEW = 2  # pieces of evidence of the first cause that are shown without `-v`
MOST_ALSO, MOST_OPEN = 8, 6
LOW = 30  # rows of a terminal below which one piece of evidence has to do
FOOT = 4  # rows of a terminal that are kept free below: a blank one, the counts, and the shell's next prompt


def print_report(report: Report, console: Console, *, verbose: bool = False, alone: bool = True) -> None:
    """Prints the report: one screen, or with `verbose` everything that is known; one of several with its name above."""
    shown, out = screen(report), Rows(console)
    if not alone:
        out.line(f"=== {launch_name(report)} ===", "bold")
    _verdict(report, shown, out)
    low = alone and console.is_terminal and console.height < LOW
    _cause(shown, out, None if verbose else 1 if low else FEW)
    if verbose:
        for finding in report.findings:
            if finding is not shown.cause:
                out.blank()
                print_finding(finding, out)
    else:
        if alone and console.is_terminal:
            out.room = max(console.height - out.count - FOOT, 0)
        _also(shown.also, out)
    _memory(report, out)
    _open(report, shown, out, verbose)
    _foot(report, shown, out, verbose)
    if not alone:
        out.blank()
    elif console.is_terminal and out.count >= console.height and shown.kind == "error":
        _again(shown, out)


def print_verdicts(reports: Iterable[Report], console: Console) -> None:
    """What came out for each of several launches, a line each."""
    out = Rows(console)
    for report in reports:
        kind, said = answer(report)
        out.row(launch_name(report), f"{SIGNS[kind]} {clean(said)}", style=ANSWERS[kind])


def print_errors(report: Report, console: Console) -> None:
    """Only what stops a start, on one screen: the likeliest error in full, of the others a line each."""
    shown, out = screen(report), Rows(console)
    _verdict(report, shown, out)
    _cause(shown, out, FEW)
    _also(tuple(a for a in shown.also if a.severity == "error"), out)
    if left := report.count("warning"):
        out.blank()
        out.block(f"Also {plural(left, 'warning')}: `qvl-doctor check -- COMMAND` shows them.", style="dim")


def verdict_line(report: Report) -> str:
    """The verdict and its first cause on one line."""
    shown = screen(report)
    first = f" {shown.cause.rule}: {cause(shown.cause)}" if shown.cause is not None else ""
    name = f"[{named}] " if (named := launch_name(report)) else ""
    return clean(f"{SIGNS[shown.kind]} {name}{shown.said}{first}")


def print_finding(finding: Finding, out: Rows) -> None:
    """One finding in full: its evidence, and every way out."""
    _finding(finding, out, None, first=finding.primary)
    for remediation in finding.remediations[:3]:
        out.row(say("fix"), way(remediation), indent="  ", style="green")
        out.commands(commands(remediation), "  " + " " * LABEL)


def _verdict(report: Report, shown: Screen, out: Rows) -> None:
    out.block(f"{SIGNS[shown.kind]} {clean(shown.said)}", style=ANSWERS[shown.kind])
    for line in about(report):
        out.block(line, "  ", style="dim")
    for label, text in settings_rows(report):
        out.row(label, text, indent="  ", style="dim")


def _finding(finding: Finding, out: Rows, most: int | None, *, first: bool) -> None:
    """A finding with `most` pieces of what shows it, None for all; without its ways out."""
    mark = f"  (follows from {', '.join(finding.follows_from)})" if finding.follows_from else ""
    mark += f"  {say('(start here)')}" if first else ""
    head = f"{say(finding.severity)} {finding.rule} {finding.name}, {certainty(finding)}{mark}"
    out.line(head, STYLES[finding.severity], finding.rule)
    if (said := cause(finding)) != finding.message:
        out.block(said, "  ")
    out.block(finding.message, "  ", "dim" if said != finding.message else "")
    for label, text in evidence(finding, most):
        out.row(label, text, indent="  ", style="dim")


def _cause(shown: Screen, out: Rows, most: int | None) -> None:
    """The gravest finding, with what shows it and what to do."""
    if shown.cause is not None:
        out.blank()
        _finding(shown.cause, out, most, first=True)
        _todo(shown, out)


def _todo(shown: Screen, out: Rows) -> None:
    """What to do, once: in words, and as lines to paste."""
    done, behind = shown.todo, "  " + " " * LABEL
    for number, step in enumerate(done.steps):
        out.row(say("fix" if number == 0 else "and"), step, indent="  ", style="green")
    for edit in done.edits:
        out.row(say("edit"), edit, indent="  ", style="bold")
    out.commands(done.paste, behind)
    if done.note:
        out.block(f"({done.note})", behind, "dim")
    for other in done.others:
        out.row(say("or"), other, indent="  ", style="green")


def _also(also: tuple[Also, ...], out: Rows) -> None:
    """The other findings, those of one rule together."""
    if also:
        out.blank()
    for one in also[:MOST_ALSO]:
        out.row(f"{one.severity} {one.code}", one.text, style="" if one.severity == "error" else "dim")
        if one.fix:
            out.row("", f"fix: {one.fix}", style="green")
    if len(also) > MOST_ALSO:
        out.block(f"and findings of {plural(len(also) - MOST_ALSO, 'more rule')}: -v", style="dim")


def _memory(report: Report, out: Rows) -> None:
    """Where the GPU's memory goes, where a model and a GPU are known."""
    from doctor.derived.case import Case
    from doctor.report.memory import memory_lines

    lines = memory_lines(Case(report.facts))
    if lines:
        out.blank()
        out.together([f"{'memory' if number == 0 else '':<{LABEL}}{clean(line)}" for number, line in enumerate(lines)])


def _open(report: Report, shown: Screen, out: Rows, verbose: bool) -> None:
    """What could not be decided: by what would decide it, or rule by rule."""
    said = undecided(report) if verbose else [("open", group.said) for group in shown.open[:MOST_OPEN]]
    if said:
        out.blank()
    for label, text in said:
        out.row(label, text, style="dim")
    if not verbose and len(shown.open) > MOST_OPEN:
        out.row("", f"and {len(shown.open) - MOST_OPEN} more: -v", style="dim")


def _foot(report: Report, shown: Screen, out: Rows, verbose: bool) -> None:
    """What is not about the launch: releases newer than the data, what of the target could not be read; the counts."""
    from doctor.derived.packages.newer_releases import data_notes

    for said in data_notes(report.facts):
        out.row("data", said, style="dim")
    for problem in (*report.facts.target.problems, *(report.facts.target.code_lines if verbose else ())):
        out.row("note", f"{problem.path}: {problem.message}", style="dim")
    out.room = None
    out.blank()
    notes = f"; {plural(shown.notes, 'note')}" if shown.notes and not verbose else ""
    more = "" if verbose else f". {plural(out.left_out, 'more line')}: -v" if out.left_out else ". Details: -v"
    out.block(f"{counted(report)}{notes}{more}", style="dim")


def _again(shown: Screen, out: Rows) -> None:
    """The verdict once more, where the first line has scrolled away."""
    above = "{code} comes first, see above."
    first = f" {say(above, code=shown.cause.rule)}" if shown.cause is not None else ""
    out.block(f"{SIGNS[shown.kind]} {clean(shown.said)}{first}", style=ANSWERS[shown.kind])
