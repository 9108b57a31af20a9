"""A check whose answer was given before is printed again, where nothing that it depends on has changed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.cli.answer.output import write

if TYPE_CHECKING:
    from doctor.api import Request
    from doctor.base.reading import Bounds
    from doctor.cli.config.applied import Asked
    from doctor.collect.answers import Answer
    from doctor.facts import Facts
    from doctor.findings import Report

LONGEST = 2.5  # seconds: what took longer may have left ways out untried


def answer(asked: Asked, request: Request, status: Callable[[Report], int]) -> int:
    """Prints the answer to one question and gives the exit status; `status` is that of a report.

    Raises click.UsageError and CannotWork as every check does.
    """
    from doctor import api
    from doctor.cli.request.load import guarded
    from doctor.collect import answers
    from doctor.facts.readings import readings

    facts = guarded(request, api.collect)
    lasting, now = readings(facts)
    place = answers.place((lasting, asked.options, asked.settings, _shown_on()), os.environ)
    known = answers.load(place, now) if place else None
    if known is None:
        known = guarded(request, lambda r: _made(facts, r, asked, status, place))
    write(known.text, None)
    return known.status


def _shown_on() -> tuple[object, ...]:
    """What the text depends on beside the facts."""
    from doctor.report.language import current

    stream, size = sys.stdout, None
    with suppress(OSError, ValueError):
        size = os.get_terminal_size(stream.fileno())  # its height, too: an answer is folded to fit a low terminal
    return current(), stream.isatty(), stream.encoding, size and tuple(size)


def _made(facts: Facts, request: Request, asked: Asked, status: Callable[[Report], int], place: Path | None) -> Answer:
    """The answer thought over and, where it can be, kept."""
    from doctor import api
    from doctor.cli.answer.show import shown
    from doctor.collect import answers
    from doctor.facts.readings import noted

    began = time.monotonic()
    log: dict[str, Bounds] = {}
    report = api.check_saved(noted(facts, log), request)
    text = shown([report], asked.options["form"], verbose=asked.options["verbose"], quiet=asked.options["quiet"])
    made = answers.Answer(text, status(report), log)
    broken = any(result.status == "broken" for result in report.results)
    if place is not None and not broken and time.monotonic() - began < LONGEST:
        answers.save(place, made)
    return made
