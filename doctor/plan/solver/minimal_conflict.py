"""Which of many conditions are in conflict, none of them superfluous: QuickXplain (Junker 2004)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from doctor.plan.solver.problem import Problem
from doctor.plan.solver.resolve import Deadline, solve

T = TypeVar("T")


def minimal(fails: Callable[[Sequence[T]], bool], conditions: Sequence[T]) -> list[T]:
    """A part of `conditions` that fails and of which no proper part does; they fail together, and more never helps."""

    def search(background: list[T], added: bool, rest: list[T]) -> list[T]:
        if added and fails(background):
            return []
        if len(rest) == 1:
            return rest
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        of_second = search([*background, *first], bool(first), second)
        of_first = search([*background, *of_second], bool(of_second), first)
        return [*of_first, *of_second]

    return [] if fails([]) else search([], False, list(conditions))


def conflict(problem: Problem, deadline: Deadline) -> tuple[str, ...]:
    """The members of a conflict that has no superfluous one, for a problem without a solution. Raises OutOfTime."""

    def fails(members: Sequence[str]) -> bool:
        part = problem.with_members(members)
        return solve(part, part.domains(), deadline) is None

    return tuple(minimal(fails, problem.members))
