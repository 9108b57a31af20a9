"""A report for a person: the answer first, then each problem with its evidence and its way out.

Readable at 80 columns, without colour and through a pipe. All text from outside goes through `clean`; nothing is
parsed as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.facts import Distributions, Launch
from doctor.findings import Finding, Report
from doctor.report.commands import commands
from doctor.text import clean, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
LABEL = 10
EVIDENCE = 5
NOTABLE = ("lmdeploy", "vllm", "sglang", "transformers", "torch")


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Prints the whole report."""
    _head(report, console)
    shown = report.findings if verbose else tuple(f for f in report.findings if f.severity != "note")
    for finding in shown:
        console.print()
        _finding(finding, console)
    console.print()
    _foot(report, console, verbose, len(report.findings) - len(shown))


def print_errors(report: Report, console: Console, most: int = 3) -> None:
    """Only what stops a start, on one screen: the likeliest errors in full, of the others how many there are."""
    from rich.text import Text

    _head(report, console)
    errors = [f for f in report.findings if f.severity == "error"]
    for finding in errors[:most]:
        console.print()
        _finding(finding, console)
    console.print()
    left = report.count("warning")
    more = [_plural(len(errors) - most, "more error")] if len(errors) > most else []
    more += [_plural(left, "warning")] if left else []
    if more:
        console.print(Text(f"Also {' and '.join(more)}: `qvl-doctor check -- COMMAND` shows them.", style="dim"))


def _head(report: Report, console: Console) -> None:
    heading(report, console)
    console.print(_answer(report))


def heading(report: Report, console: Console) -> None:
    """Which environment and which launch command it is about."""
    target = report.facts.target
    place = target.prefix or (target.paths[0] if target.paths else "?")
    said = f"declared: {target.why}, Python" if target.kind == "declared" else f"{place}, Python"
    origin = "" if target.kind == "declared" else f" ({target.why})"
    _row(console, "target", f"{said} {target.python or 'of unknown version'}{origin}")
    if isinstance(report.facts.launch, Launch):
        _row(console, "launch", " ".join(report.facts.launch.argv))
    if isinstance(report.facts.distributions, Distributions):
        known = report.facts.distributions
        there = [f"{n} {v}" for n in NOTABLE if (v := known.version(n))]
        how = "installed" if known.complete else "of known release"
        _row(console, "packages", f"{len(known.installed)} {how}" + (f": {', '.join(there)}" if there else ""))
    console.print()


def _answer(report: Report) -> Text:
    from rich.text import Text

    errors, warnings = report.count("error"), report.count("warning")
    launch = isinstance(report.facts.launch, Launch)
    if errors:
        idle = "These pins cannot work." if report.facts.target.kind == "declared" else "This environment is broken."
        text = "This command will not start, or not work, as it is." if launch else idle
        return Text(f"✗ {text} {_plural(errors, 'error')}.", style="bold red")
    if any(r.status in ("open", "broken") for r in report.results):
        said = f"{_plural(warnings, 'warning')}, " if warnings else ""
        return Text(f"○ No error found; {said}not everything could be decided.", style="bold yellow")
    if warnings:
        return Text(f"✓ No error found; {_plural(warnings, 'warning')} to look at.", style="bold green")
    return Text("✓ Nothing stands in the way.", style="bold green")


def _finding(finding: Finding, console: Console) -> None:
    from rich.text import Text

    head = Text(f"{finding.severity} {finding.rule} {finding.name}", style=STYLES[finding.severity])
    if finding.primary:
        head.append("  (start here)", style="bold")
    if finding.follows_from:
        head.append(f"  (follows from {', '.join(finding.follows_from)})", style="dim")
    console.print(head)
    _block(console, finding.message, "  ")
    for fact, text in _evidence(finding):
        _row(console, fact, text, indent="  ", style="dim")
    for remediation in finding.remediations[:3]:
        _row(console, "way out", remediation.title, indent="  ", style="green")
        for command in commands(remediation):
            console.print(Text(f"  {' ' * LABEL}{clean(command)}", style="bold"), soft_wrap=True)


def _evidence(finding: Finding) -> list[tuple[str, str]]:
    """What was seen and needed, and where that stands; what several sources say alike is one line."""
    told: dict[tuple[str, str | None, str | None], list[str]] = {}
    for evidence in finding.evidence:
        sources = told.setdefault((evidence.fact, evidence.observed, evidence.expected), [])
        sources.extend([evidence.source] if evidence.source else [])
    out = []
    for (fact, observed, expected), sources in list(told.items())[:EVIDENCE]:
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        source = f" [{sources[0]}{more}]" if sources else ""
        if expected is None and len(fact) < LABEL:
            out.append((fact, f"{observed or ''}{source}"))
            continue
        out.append(("seen", f"{fact}: {observed}" if observed else fact))
        out.append(("needed", f"{expected}{source}") if expected else ("from", source.strip(" []")))
    return [(label, text) for label, text in out if text]


def _foot(report: Report, console: Console, verbose: bool, hidden: int) -> None:
    from rich.text import Text

    counts: dict[str, int] = {}
    for result in report.results:
        counts[result.status] = counts.get(result.status, 0) + 1
    words = {"pass": "passed", "fail": "found something", "open": "open", "notApplicable": "not applicable",
             "broken": "crashed (a fault of ours)"}  # fmt: skip
    told = ", ".join(f"{counts[k]} {w}" for k, w in words.items() if k in counts)
    more = f"; {_plural(hidden, 'note')} not shown (--verbose)" if hidden else ""
    console.print(Text(f"{len(report.results)} rules: {told}{more}.", style="dim"))
    for result in report.results:
        if result.status == "broken" or (result.status == "open" and (verbose or result.reason)):
            _row(console, result.code, f"{result.status}: {result.reason}", style="dim")
    for problem in (*report.facts.target.problems, *(report.facts.target.code_lines if verbose else ())):
        _row(console, "note", f"{problem.path}: {problem.message}", style="dim")


def _row(console: Console, label: str, text: str, *, indent: str = "", style: str = "") -> None:
    """A label and a text beside it, wrapped under itself."""
    from rich.text import Text

    head = f"{indent}{one_line(label, 40):<{LABEL}}"
    hang = " " * (len(indent) + LABEL)
    if len(head) > len(hang):
        head += "  "
    for number, line in enumerate(_wrapped(one_line(text), console.width, len(head), len(hang))):
        shown = Text(head if number == 0 else hang, style="dim")
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


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


row, block = _row, _block  # for the other forms of an answer
