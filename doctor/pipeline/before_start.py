"""The check that `run` makes before it starts a server."""

from __future__ import annotations

import io

from doctor.collect.python.target import TargetRequest
from doctor.derived.memory.launched import expected
from doctor.findings import HOW_TO_SEE, Report, StartVerdict
from doctor.findings.settings import Settings
from doctor.pipeline.diagnosis import diagnose
from doctor.pipeline.request import Request
from doctor.report.launch import not_found


def checked(argv: tuple[str, ...], settings: Settings | None = None) -> StartVerdict:
    """What `qvl-doctor check -- ARGV` finds; a target or data that cannot be read is a trouble, and no error."""
    try:
        ignored = tuple(one.code for one in settings.ignored) if settings else ()
        report = diagnose(Request(TargetRequest(), launch=argv, ignore=ignored, settings=settings))
    except ValueError as error:  # TargetError, DeclarationError, DataError: there is nothing to judge by
        return StartVerdict(trouble=f"the check before the start was not made: {error}; {HOW_TO_SEE}")
    if (lost := not_found(report)) is not None:
        return StartVerdict(trouble=f"the command was not checked: {lost}")
    errors = tuple(f"{f.rule} {f.name}: {f.message}" for f in report.findings if f.severity == "error")
    return StartVerdict(
        errors=errors, screen=_screen(report) if errors else "", facts=report.facts,
        findings=report.findings, expected=expected(report.facts),
    )  # fmt: skip


def _screen(report: Report) -> str:
    """The errors as `check` would print them, without colour; as wide as the terminal, 100 columns in a pipe."""
    import shutil

    from rich.console import Console

    from doctor.report.terminal import print_errors

    text = io.StringIO()
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    print_errors(report, Console(file=text, width=width, color_system=None, markup=False, highlight=False, emoji=False))
    return text.getvalue()
