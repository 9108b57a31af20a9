"""Prints a report in the requested format, or the reports of several launches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from doctor.cli.answer.output import as_text, console, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from doctor.findings import Report

LANGUAGES = ("en", "zh", "ja", "fr")  # those of `doctor.report.language`, which only an answer needs
FORMATS = ("terminal", "brief", "json", "markdown", "html", "sarif", "github", "junit")


def show_report(report: Report, form: str, output: str | None, *, verbose: bool = False, quiet: bool = False) -> None:
    """To stdout or to a file; `quiet` is one line on a terminal."""
    show_reports([report], form, output, verbose=verbose, quiet=quiet)


def show_reports(
    reports: Sequence[Report], form: str, output: str | None, *, verbose: bool = False, quiet: bool = False
) -> None:
    """The same for several launches: one document where the form has a place for that, else one after the other."""
    if form != "terminal" or quiet:
        write(shown(reports, form, quiet=quiet), output)
    elif output is None:
        _print(reports, console(), verbose)
    else:
        write(as_text(lambda out: _print(reports, out, verbose)), output)


def shown(reports: Sequence[Report], form: str, *, verbose: bool = False, quiet: bool = False) -> str:
    """The same as the text that goes to stdout."""
    if form != "terminal":
        return _writer(form)(reports)
    if quiet:
        from doctor.report.terminal import verdict_line

        return "".join(verdict_line(report) + "\n" for report in reports)
    out = console()
    with out.capture() as text:
        _print(reports, out, verbose)
    return text.get()


def _print(reports: Sequence[Report], out: Console, verbose: bool) -> None:
    from doctor.report.terminal import print_report, print_verdicts

    for report in reports:
        print_report(report, out, verbose=verbose, alone=len(reports) == 1)
    if len(reports) > 1:
        print_verdicts(reports, out)


def _writer(form: str) -> Callable[[Sequence[Report]], str]:
    """The function that makes the text of one form; only what it needs is imported."""
    if form == "markdown":
        from doctor.report.markdown import report_to_markdown

        return _each(report_to_markdown)
    if form == "brief":
        from doctor.report.brief import report_to_brief

        return _each(report_to_brief)
    if form == "github":
        from doctor.report.github import report_to_github

        return lambda reports: "".join(map(report_to_github, reports))
    if form == "junit":
        from doctor.report.junit import report_to_junit

        return lambda reports: report_to_junit(*reports)
    if form == "html":
        from doctor.report.page.report import report_to_html

        return lambda reports: report_to_html(*reports)
    from doctor.report.json import dumps, launches_to_json, report_to_json

    if form == "json":
        return lambda reports: dumps(launches_to_json(reports) if len(reports) > 1 else report_to_json(reports[0]))
    from doctor.report.sarif import report_to_sarif

    return lambda reports: dumps(report_to_sarif(*reports))


def _each(one: Callable[[Report], str]) -> Callable[[Sequence[Report]], str]:
    """A text that has no place for several: one after the other, with an empty line between them."""
    return lambda reports: "\n".join(map(one, reports))
