"""A report for a person: the answer first, then each problem with its evidence and its way out.

Readable at 80 columns, without colour and through a pipe. All text from outside goes through `clean`; nothing is
parsed as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.text import clean, one_line, plural
from doctor.findings import Finding, Report
from doctor.report.commands import commands, together
from doctor.report.content import LABEL, SIGNS, answer, counted, evidence, head, undecided

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
ANSWERS = {"error": "bold red", "open": "bold yellow", "warning": "bold green", "pass": "bold green"}


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Prints the whole report."""
    _head(report, console)
    shown = report.findings if verbose else tuple(f for f in report.findings if f.severity != "note")
    for finding in shown:
        console.print()
        _finding(finding, console, merged=report.way_out is not None)
    console.print()
    _way_out(report, console)
    _memory(report, console)
    _corrected(report, console)
    _foot(report, console, verbose, len(report.findings) - len(shown))


def print_errors(report: Report, console: Console, most: int = 3) -> None:
    """Only what stops a start, on one screen: the likeliest errors in full, of the others how many there are."""
    from rich.text import Text

    _head(report, console)
    errors = [f for f in report.findings if f.severity == "error"]
    for finding in errors[:most]:
        console.print()
        _finding(finding, console, merged=report.way_out is not None)
    console.print()
    _way_out(report, console)
    _corrected(report, console)
    left = report.count("warning")
    more = [plural(len(errors) - most, "more error")] if len(errors) > most else []
    more += [plural(left, "warning")] if left else []
    if more:
        console.print(Text(f"Also {' and '.join(more)}: `qvl-doctor check -- COMMAND` shows them.", style="dim"))


def _corrected(report: Report, console: Console) -> None:
    """The command as it would have to be, on one line, ready to be pasted."""
    from rich.text import Text

    from doctor.report.launch import correction

    if (found := correction(report)) is None:
        return
    console.print(Text("corrected command:", style="bold green"))
    console.print(Text(f"  {clean(found.line)}", style="bold"), soft_wrap=True)
    if found.note:
        _row(console, "note", found.note, indent="  ", style="dim")
    console.print()


def _head(report: Report, console: Console) -> None:
    from rich.text import Text

    for label, text in head(report):
        _row(console, label, text)
    kind, said = answer(report)
    console.print()
    console.print(Text(f"{SIGNS[kind]} {clean(said)}", style=ANSWERS[kind]))


def _way_out(report: Report, console: Console) -> None:
    """What fixes all errors together, with its commands on as few lines as they take."""
    from rich.text import Text

    if report.way_out is None:
        return
    _row(console, "fix all", report.way_out.title, style="bold green")
    for command in together(report.way_out):
        console.print(Text(f"{' ' * LABEL}{clean(command)}", style="bold"), soft_wrap=True)
    console.print()


def _finding(finding: Finding, console: Console, *, merged: bool = False) -> None:
    """One finding; the commands of an error's fixes are left out where one way out fixes all errors together."""
    from rich.text import Text

    title = Text(f"{finding.severity} {finding.rule} {finding.name}", style=STYLES[finding.severity])
    if finding.primary:
        title.append("  (start here)", style="bold")
    if finding.follows_from:
        title.append(f"  (follows from {', '.join(finding.follows_from)})", style="dim")
    console.print(title)
    _block(console, finding.message, "  ")
    for fact, text in evidence(finding):
        _row(console, fact, text, indent="  ", style="dim")
    for remediation in finding.remediations[:3]:
        _row(console, "fix", remediation.title, indent="  ", style="green")
        for command in commands(remediation) if not (merged and finding.severity == "error") else ():
            console.print(Text(f"  {' ' * LABEL}{clean(command)}", style="bold"), soft_wrap=True)


def _memory(report: Report, console: Console) -> None:
    """Where the GPU's memory goes, where a model and a GPU are known."""
    from rich.text import Text

    from doctor.derived.case import Case
    from doctor.report.memory import memory_lines

    lines = memory_lines(Case(report.facts))
    for number, line in enumerate(lines):
        lead = f"{'memory' if number == 0 else '':<{LABEL}}"
        console.print(Text(lead, style="dim").append(clean(line), style="not dim"), soft_wrap=True)
    if lines:
        console.print()


def _foot(report: Report, console: Console, verbose: bool, hidden: int) -> None:
    from rich.text import Text

    more = f"; {plural(hidden, 'note')} not shown (--verbose)" if hidden else ""
    console.print(Text(f"{counted(report)}{more}.", style="dim"))
    for code, said in undecided(report):
        _row(console, code, said, style="dim")
    for problem in (*report.facts.target.problems, *(report.facts.target.code_lines if verbose else ())):
        _row(console, "note", f"{problem.path}: {problem.message}", style="dim")


def _row(console: Console, label: str, text: str, *, indent: str = "", style: str = "") -> None:
    """A label and a text beside it, wrapped under itself."""
    from rich.text import Text

    lead = f"{indent}{one_line(label, 40):<{LABEL}}"
    hang = " " * (len(indent) + LABEL)
    if len(lead) > len(hang):
        lead += "  "
    for number, line in enumerate(_wrapped(one_line(text), console.width, len(lead), len(hang))):
        shown = Text(lead if number == 0 else hang, style="dim")
        console.print(shown.append(line, style=style or "not dim"), soft_wrap=True)


def _block(console: Console, text: str, indent: str) -> None:
    from rich.text import Text

    for line in _wrapped(one_line(text), console.width, len(indent), len(indent)):
        console.print(Text(indent + line), soft_wrap=True)


def _wrapped(text: str, width: int, first: int, rest: int) -> list[str]:
    import textwrap

    lead = " " * first
    lines = textwrap.wrap(lead + text, max(width, 40), subsequent_indent=" " * rest, break_on_hyphens=False,
                          break_long_words=False, drop_whitespace=True)  # fmt: skip
    return [line[first:] if n == 0 else line[rest:] for n, line in enumerate(lines)] or [""]


row, block, print_finding = _row, _block, _finding  # for the other forms of an answer
