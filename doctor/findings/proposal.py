"""What `fix` answers: a plan with the report before it and, on the predicted facts, after it."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.findings import Plan, Report

IDLE = "nothing to do"


@dataclass(frozen=True)
class Proposal:
    """A plan between two reports; `after` is None where there is no plan, or nothing to do.

    `needed` are the distributions of which the solver chose the release, in the plan's pins; `source` those that the
    resolver found to have no wheel.
    """

    before: Report
    plan: Plan
    after: Report | None = None
    needed: tuple[str, ...] = ()
    source: frozenset[str] = frozenset()

    @property
    def idle(self) -> bool:
        """Whether there was nothing to mend."""
        return self.plan.verified.note == IDLE
