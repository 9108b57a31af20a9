"""A problem while it is made: where those that know what a model, a machine or a release asks put their clauses."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.derived.goal import Goal
from doctor.derived.packages.requirements import environments
from doctor.facts import Distributions, Facts
from doctor.plan.choices import Choice, Choices
from doctor.plan.freedom import Freedom
from doctor.plan.solver.problem import Clause, Variable

BACKEND = "backend"


@dataclass
class Draft:
    """Clauses and variables so far. `used` are the distributions in the problem and the bits that they start from.

    `queue` are those of which the own requirements are still to be put in, `extra` variables that are no
    distributions, `vital` the distributions that the goal needs, directly or in turn.
    """

    facts: Facts
    goal: Goal
    freedom: Freedom

    def __post_init__(self) -> None:
        cpu = bool(self.goal.devices) and self._cpu_torch()
        self.choices = Choices(self.facts, self.freedom.prefer, self.freedom.removal, cpu)
        self.where = environments(self.facts.target)
        self.clauses: list[Clause] = []
        self.used: dict[str, int] = {}
        self.queue: list[str] = []
        self.extra: dict[str, Variable] = {}
        self.vital: frozenset[str] = frozenset()

    def use(self, name: str) -> Choice:
        """The choice for a distribution, which is in the problem from now on."""
        choice = self.choices.get(name)
        if name not in self.used:
            self.used[name] = choice.installable
            self.queue.append(name)
        return choice

    def require(self, clause: Clause) -> None:
        """One more clause; one without an owner narrows what the target starts from."""
        self.clauses.append(clause)

    def offer(self, variable: Variable) -> None:
        """One more thing to choose that is no distribution."""
        self.extra[variable.name] = variable

    def backend(self) -> str | None:
        """The backend that is sure to be used, None where it is open."""
        found = self.extra.get(BACKEND)
        return found.values[0] if found and len(found.values) == 1 else None

    def _cpu_torch(self) -> bool:
        from doctor.derived.packages.torch_build import torch_build

        have = self.facts.distributions
        build = torch_build(have) if isinstance(have, Distributions) else None
        return build is not None and build.kind == "cpu"
