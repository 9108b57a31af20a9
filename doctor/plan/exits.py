"""Where there is no way as asked: the exits that give up one thing, ranked, each solved itself."""

from __future__ import annotations

from doctor.facts import Facts
from doctor.findings import Alternative
from doctor.plan.build import Asked
from doctor.plan.planner import Outcome
from doctor.plan.wish import Wish


def exits(facts: Facts, wish: Wish, asked: Asked, outcome: Outcome) -> tuple[Alternative, ...]:
    """The exits that lead somewhere."""
    return ()
