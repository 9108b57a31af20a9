"""Prints a report in the form that was asked for."""

from __future__ import annotations

from doctor.cli.output import console, write
from doctor.findings import Report


def show_report(report: Report, form: str, output: str | None, *, verbose: bool = False) -> None:
    """To stdout or to a file."""
    if form == "json":
        from doctor.report.json import dumps, report_to_json

        write(dumps(report_to_json(report)), output)
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
