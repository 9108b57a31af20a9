"""Prints a report in the requested format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.cli.answer.output import console, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from doctor.findings import Report

FORMATS = ("terminal", "brief", "json", "markdown", "html", "sarif", "github", "junit")


def show_report(report: Report, form: str, output: str | None, *, verbose: bool = False, quiet: bool = False) -> None:
    """To stdout or to a file; `quiet` is one line on a terminal."""
    if form == "terminal" and quiet:
        from doctor.report.terminal import verdict_line

        write(verdict_line(report) + "\n", output)
        return
    if form != "terminal":
        write(_writer(form)(report), output)
        return
    from doctor.report.terminal import print_report

    if output is None:
        print_report(report, console(), verbose=verbose)
        return
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    print_report(report, Console(file=text, width=100, markup=False, highlight=False), verbose=verbose)
    write(text.getvalue(), output)


def _writer(form: str) -> Callable[[Report], str]:
    """The function that makes the text of one form; only what it needs is imported."""
    if form == "markdown":
        from doctor.report.markdown import report_to_markdown

        return report_to_markdown
    if form == "brief":
        from doctor.report.brief import report_to_brief

        return report_to_brief
    if form == "github":
        from doctor.report.github import report_to_github

        return report_to_github
    if form == "junit":
        from doctor.report.junit import report_to_junit

        return report_to_junit
    if form == "html":
        from doctor.report.html import report_to_html

        return report_to_html
    from doctor.report.json import dumps, report_to_json

    if form == "json":
        return lambda report: dumps(report_to_json(report))
    from doctor.report.sarif import report_to_sarif

    return lambda report: dumps(report_to_sarif(report))
