"""Where answers go: stdout or a file; progress to a terminal's stderr; exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from doctor.base.terminals import LEGIBLE
from doctor.findings import Report

if TYPE_CHECKING:
    from rich.console import Console

FOUND, CANNOT, NO_SERVER = 1, 3, 4
PIPED_WIDTH = 100


class CannotWork(click.ClickException):
    """Doctor could not do its work, and says why in one sentence."""

    exit_code = CANNOT


def console() -> Console:
    """The terminal, or a pipe that gets the same in 100 columns, without color unless CLICOLOR_FORCE asks for it."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    forced = True if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0") else None
    return Console(width=width, force_terminal=forced, markup=False, highlight=False, emoji=False)


def write(text: str, output: str | None) -> None:
    """Writes data to stdout or to a file. Raises click.ClickException with the reason where that fails."""
    if output is None or output == "-":
        sys.stdout.write(text)
        return
    from doctor.base.new_files import open_output

    try:
        with os.fdopen(open_output(output), "w", encoding="utf-8", errors=LEGIBLE) as file:
            file.write(text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise failure(f"{output} cannot be written: {reason}") from None


def notice(sentence: str) -> None:
    """Says on a terminal's stderr why it takes a moment."""
    if sys.stderr.isatty():
        from doctor.base.text import clean

        click.echo(clean(sentence), err=True)


def failure(message: str) -> click.ClickException:
    """An error of ours: doctor could not do its work."""
    from doctor.base.text import clean

    return CannotWork(clean(message))


def exit_code(report: Report, fail_on: str) -> int:
    """1 where a finding is at or above `fail_on`; else 4 where a command was given and no server was found in it."""
    from doctor.report.launch import not_found

    if fail_on == "never":
        return 0
    if report.reaches(fail_on):
        return FOUND
    return NO_SERVER if not_found(report) is not None else 0


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on stderr while it is a terminal, shown only for work that takes longer than a moment."""
    if not sys.stderr.isatty():
        yield None
        return
    from doctor.cli.answer.bar import Bar

    bar = Bar(what)
    try:
        yield bar.update
    finally:
        bar.close()


def as_text(show: Callable[[Console], None]) -> str:
    """What is printed for a terminal of 100 columns, as the text of a file."""
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    show(Console(file=text, width=100, markup=False, highlight=False))
    return text.getvalue()
