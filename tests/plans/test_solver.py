"""The solver beside brute force, on small problems made at random."""

from __future__ import annotations

import random
import time
from itertools import product

import pytest

from doctor.plan.solver.fewest import best, changes
from doctor.plan.solver.minimal_conflict import conflict
from doctor.plan.solver.problem import Clause, OutOfTime, Problem, Solution, Variable
from doctor.plan.solver.resolve import Deadline, solve

SECONDS = 30


def instance(seed: int) -> Problem:
    """Three to six variables with two to five values, and clauses of every kind; about half can be solved."""
    dice = random.Random(seed)
    names = [f"v{i}" for i in range(dice.randint(3, 6))]
    variables = {}
    for name in names:
        size = dice.randint(2, 5)
        current = None if dice.random() < 0.15 else dice.randrange(size)
        distance = tuple(abs(i - (current or 0)) for i in range(size))
        variables[name] = Variable(name, tuple(map(str, range(size))), current, distance)
    clauses = []
    for number in range(dice.randint(4, 26)):
        target = dice.choice(names)
        member = f"m{dice.randrange(number + 1)}" if dice.random() < 0.3 else f"m{number}"
        then = some(dice, variables[target])
        if dice.random() < 0.2:
            clauses.append(Clause(target, then, member))
            continue
        owner = dice.choice([n for n in names if n != target])
        clauses.append(Clause(target, then, member, owner, some(dice, variables[owner])))
    return Problem(variables, tuple(clauses))


def some(dice: random.Random, variable: Variable) -> int:
    return dice.randint(1, variable.all)


def holds(problem: Problem, solution: Solution) -> bool:
    return all(
        problem.clauses[i].then >> solution[c.target] & 1
        for i, c in enumerate(problem.clauses)
        if c.owner is None or c.when >> solution[c.owner] & 1
    )


def brute(problem: Problem) -> tuple[int, int] | None:
    """The fewest changes and the smallest distance among them, None where there is no solution."""
    names = list(problem.variables)
    costs = []
    for values in product(*(range(len(problem.variables[n].values)) for n in names)):
        solution = dict(zip(names, values, strict=True))
        if holds(problem, solution):
            costs.append(cost(problem, solution))
    return min(costs, default=None)


def cost(problem: Problem, solution: Solution) -> tuple[int, int]:
    changed = changes(problem, solution)
    return len(changed), sum(problem.variables[n].cost(solution[n])[0] for n in changed)


@pytest.mark.parametrize("block", range(10))
def test_agrees_with_brute_force(block: int) -> None:
    solved = 0
    for seed in range(block * 50, block * 50 + 50):
        problem = instance(seed)
        truth = brute(problem)
        found = best(problem, Deadline(SECONDS))
        feasible = solve(problem, problem.domains(), Deadline(SECONDS))
        assert (found is None) == (truth is None) == (feasible is None), f"seed {seed}"
        if found is not None and feasible is not None:
            assert holds(problem, found) and holds(problem, feasible), f"seed {seed}"
            assert cost(problem, found) == truth, f"seed {seed}"
            solved += 1
    assert 5 < solved < 48, "the instances are all of one kind"


@pytest.mark.parametrize("block", range(5))
def test_conflicts_have_nothing_superfluous(block: int) -> None:
    seen = 0
    for seed in range(block * 100, block * 100 + 100):
        problem = instance(seed)
        if solve(problem, problem.domains(), Deadline(SECONDS)) is not None:
            continue
        core = conflict(problem, Deadline(SECONDS))
        seen += 1
        assert core and brute(problem.with_members(core)) is None, f"seed {seed}: no conflict"
        for member in core:
            assert brute(problem.with_members(m for m in core if m != member)) is not None, f"seed {seed}: {member}"
    assert seen > 10


def test_what_cannot_be_given_up_is_not_named() -> None:
    one = Variable("one", ("1", "2"), 0)
    clauses = (Clause("one", 0b01, "always"), Clause("one", 0b10, "asked"), Clause("one", 0b11, "idle"))
    assert conflict(Problem({"one": one}, clauses, frozenset({"always"})), Deadline(SECONDS)) == ("asked",)


def test_giving_up_is_not_impossible() -> None:
    problem = next(p for p in map(instance, range(50)) if brute(p) is not None)
    with pytest.raises(OutOfTime):
        best(problem, Deadline(-1))


def test_a_busy_machine_gets_the_same_answer() -> None:
    """Time that other programs take is not counted as work, but nobody waits for ever."""
    deadline = Deadline(5)
    assert deadline.at - time.monotonic() > 20 and deadline.work - time.thread_time() <= 5
    deadline.passed()
    deadline.at = time.monotonic() - 1
    with pytest.raises(OutOfTime):
        deadline.passed()
