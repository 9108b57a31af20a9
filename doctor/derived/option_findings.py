"""What a finding on an option is made of: its place, what was given and expected, and the ways out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from doctor.base.text import one_line
from doctor.derived.asked import Asked
from doctor.derived.packages.other_releases import other_release
from doctor.findings import Action, Evidence, Location, Open, Remediation
from doctor.launch.parser import Problem, Reading
from doctor.matrix.releases import ReleaseSet


def place(problem: Problem) -> Location:
    """Where a problem of an option is."""
    return Location("argument", shown(problem.spelled, 100))


def shown(text: str | None, limit: int = 200) -> str:
    """Text from the command, safe for a message."""
    return one_line(text or "", limit)


def argument(name: str, value: str | None) -> Action:
    """Sets an option; None drops it, the empty text makes it a bare switch."""
    return Action("set_argument", name=name, value=value)


def evidence(asked: Asked, problem: Problem, expected: str | None) -> Evidence:
    """What was given and what the release takes."""
    return Evidence(shown(problem.spelled, 100), shown(problem.value) or None, expected, asked.source)


def problems(reading: Reading, *kinds: str) -> Iterator[Problem]:
    """The problems of these kinds, each option's first only."""
    seen = set()
    for problem in reading.problems:
        if problem.kind in kinds and (problem.name, problem.value) not in seen:
            seen.add((problem.name, problem.value))
            yield problem


def releases(asked: Asked, having: ReleaseSet | None) -> list[Remediation]:
    """The way out of another release that has it."""
    return other_release(asked.engine, having, asked.version) if having is not None else []


def unread(asked: Asked) -> list[Open]:
    """What of the command could not be followed leaves a pass open."""
    reasons: Iterable[str] = asked.launch.unread
    if asked.reading.config:
        reasons = (*reasons, "the file of options behind `--config` is not read")
    return [Open(r) for r in reasons][:1]
