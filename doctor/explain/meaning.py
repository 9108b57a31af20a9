"""What a code means: that of a rule, or of a known crash."""

from __future__ import annotations

from typing import Protocol

from doctor.base.record import dataclass


class Described(Protocol):
    """A rule, or a crash that is known: both have a name; the text is under one of two names."""

    @property
    def name(self) -> str:
        """The short name."""

    @property
    def explanation(self) -> str:
        """What it means, in full."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code with its short name and what it means."""

    code: str
    name: str
    explanation: str


def meaning_of(code: str, rule: Described | None) -> Meaning | None:
    """The meaning of a rule's code, else of a crash's; None for one that nobody knows."""
    if rule is not None:
        return Meaning(code, rule.name, rule.explanation)
    from doctor.explain.catalog import find
    from doctor.matrix.answers import explained

    crash = find(code) or explained(code)
    return Meaning(code, crash.name, crash.meaning) if crash is not None else None
