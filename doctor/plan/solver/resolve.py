"""Whether a problem has a solution at all: resolvelib, which knows nothing of packages either, behind one function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from resolvelib import AbstractProvider, BaseReporter, Resolver
from resolvelib.resolvers import ResolutionImpossible, ResolutionTooDeep

from doctor.plan.solver.problem import OutOfTime, Problem, Solution, bits, propagate

MOST_ROUNDS = 20_000


class Wanted(NamedTuple):
    """A requirement in resolvelib's sense: `variable` has a value in `allowed`."""

    variable: str
    allowed: int


class Choice(NamedTuple):
    """A candidate in resolvelib's sense: `variable` has the value at `place`."""

    variable: str
    place: int


class Deadline:
    """So much work that the search is given up after it; `passed` raises OutOfTime then.

    The seconds are those of this thread's own work, so that a machine busy with other things gets the same answer as an
    idle one; it only waits longer for it, `PATIENCE` times at most.
    """

    PATIENCE = 6

    def __init__(self, seconds: float) -> None:
        self.work = time.thread_time() + seconds
        self.at = time.monotonic() + self.PATIENCE * seconds

    def passed(self) -> None:
        """Raises OutOfTime once the work is done, or has taken far too long."""
        if time.thread_time() > self.work or time.monotonic() > self.at:
            raise OutOfTime


class _Provider(AbstractProvider):  # type: ignore[type-arg]
    def __init__(self, problem: Problem, domains: dict[str, int], deadline: Deadline) -> None:
        self.problem, self.domains, self.deadline = problem, domains, deadline
        self.open = {name for name, allowed in domains.items() if allowed & (allowed - 1)}
        self.order: dict[str, list[int]] = {}

    def identify(self, requirement_or_candidate: Wanted | Choice) -> str:
        return requirement_or_candidate.variable

    def get_preference(
        self, identifier: str, resolutions: Mapping[str, Choice], candidates: Mapping[str, Iterator[Choice]],
        information: Mapping[str, Iterator[Any]], backtrack_causes: Sequence[Any],
    ) -> tuple[bool, int]:  # fmt: skip
        self.deadline.passed()
        blamed = any(identifier == cause.requirement.variable for cause in backtrack_causes)
        return (not blamed, self.domains[identifier].bit_count())

    def find_matches(
        self, identifier: str, requirements: Mapping[str, Iterator[Wanted]],
        incompatibilities: Mapping[str, Iterator[Choice]],
    ) -> Callable[[], Iterable[Choice]]:  # fmt: skip
        allowed = self.domains[identifier]
        for wanted in requirements[identifier]:
            allowed &= wanted.allowed
        for choice in incompatibilities[identifier]:
            allowed &= ~(1 << choice.place)
        if identifier not in self.order:
            variable = self.problem.variables[identifier]
            places = bits(self.domains[identifier])
            self.order[identifier] = sorted(places, key=lambda p: (p != variable.current, *variable.cost(p)))
        return lambda: [Choice(identifier, p) for p in self.order[identifier] if allowed >> p & 1]

    def is_satisfied_by(self, requirement: Wanted, candidate: Choice) -> bool:
        return bool(requirement.allowed >> candidate.place & 1)

    def get_dependencies(self, candidate: Choice) -> Iterable[Wanted]:
        for clause in self.problem.owned.get(candidate.variable, ()):
            if clause.when >> candidate.place & 1 and clause.target in self.open:
                yield Wanted(clause.target, clause.then)


def solve(problem: Problem, domains: dict[str, int] | None, deadline: Deadline) -> Solution | None:
    """One solution within `domains`, values that are there now first, then the cheapest; None where there is none.

    Variables with one value left are decided: propagation has applied their clauses to all others.
    Raises OutOfTime where the search is given up.
    """
    left = propagate(problem, domains) if domains is not None else None
    if left is None:
        return None
    deadline.passed()
    provider = _Provider(problem, left, deadline)
    roots = [Wanted(name, left[name]) for name in left if name in provider.open]
    try:
        found = Resolver(provider, BaseReporter()).resolve(roots, max_rounds=MOST_ROUNDS)
    except ResolutionImpossible:
        return None
    except ResolutionTooDeep:
        raise OutOfTime from None
    decided = {name: allowed.bit_length() - 1 for name, allowed in left.items()}
    return {**decided, **{name: choice.place for name, choice in found.mapping.items()}}
