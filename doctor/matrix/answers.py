"""What `probe` asks and says: the checks, and a sentence for every wrong answer. `matrices/answers.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.findings import Severity
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is asked of a server: `name` as it stands in the answer, `meaning` for `explain CODE`."""

    code: str
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of wrong answer. `message` has fields in braces; `fixes` are titles, with the same fields.

    `patterns` are looked for in an error's text, of all checks or only of `checks`; each example matches one of them.
    """

    code: str
    name: str
    message: str
    meaning: str
    severity: Severity = "error"
    fixes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()

    def match(self, text: str) -> re.Match[str] | None:
        """Where one of the patterns occurs in `text`, if any does."""
        return next((m for p in self.patterns if (m := re.search(p, text))), None)


@dataclass(frozen=True, slots=True)
class Answers:
    """The whole table."""

    source: str
    verified: str
    checks: tuple[Check, ...]
    refusals: tuple[Refusal, ...]


def answers() -> Answers:
    """The table. Raises DataError where it is missing or not in its form."""
    return _read(data_dir())


def refusal(code: str) -> Refusal:
    """The kind of wrong answer with this code. Raises KeyError."""
    return {r.code: r for r in answers().refusals}[code]


def known_as(text: str, check: str) -> Iterator[tuple[Refusal, re.Match[str]]]:
    """The kinds whose words occur in an error's text; those made for this check come first."""
    rows = [r for r in answers().refusals if r.patterns and (not r.checks or check in r.checks)]
    for row in sorted(rows, key=lambda r: not r.checks):
        if (found := row.match(text)) is not None:
            yield row, found


def explained(code: str) -> Check | Refusal | None:
    """What `explain CODE` shows, or None."""
    every: tuple[Check | Refusal, ...] = (*answers().checks, *answers().refusals)
    return next((row for row in every if row.code == code), None)


@cache
def _read(data: Path) -> Answers:
    return table(Answers, data / "answers.yaml")
