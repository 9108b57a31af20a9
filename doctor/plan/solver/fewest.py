"""The solution that changes least: how many variables change, then how far, then which values are the better ones.

Fewest changes by implicit hitting sets: whatever cannot stay as it is all at once is a core, every solution changes
something of each core, and the smallest set that meets all cores found so far is a bound that is reached or refuted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from doctor.plan.solver.minimal_conflict import minimal
from doctor.plan.solver.problem import OutOfTime, Problem, Solution, Variable, bits, propagate
from doctor.plan.solver.resolve import Deadline, solve

Cost = tuple[int, int, int]
MOST_SETS = 60  # sets of the same size that are looked at for the nearest solution


def best(problem: Problem, deadline: Deadline) -> Solution | None:
    """The best solution, None where there is none. Raises OutOfTime where not even one was found in time.

    Within the fewest changes, the nearest is exact as long as the time and `MOST_SETS` allow; it is always a solution
    with the fewest changes.
    """
    domains = problem.domains()
    domains = propagate(problem, domains) if domains is not None else None
    if domains is None or solve(problem, domains, deadline) is None:
        return None
    found: tuple[Cost, Solution] | None = None
    size: int | None = None
    looked = 0
    for free in _hitting_sets(problem, domains, deadline):
        if (size is not None and len(free) > size) or looked >= MOST_SETS:
            break
        size, looked = len(free), looked + 1
        try:
            found = _nearest(problem, _held(problem, domains, free), free, found, deadline)
        except OutOfTime:
            if found is None:
                raise
            break
    return found[1] if found else None


def changes(problem: Problem, solution: Solution) -> tuple[str, ...]:
    """The variables that have another value than now."""
    return tuple(n for n, place in solution.items() if problem.variables[n].current != place)


def _held(problem: Problem, domains: dict[str, int], free: frozenset[str]) -> dict[str, int]:
    """The domains where everything but `free` stays as it is; what is free changes."""
    out = {}
    for name, allowed in domains.items():
        current = problem.variables[name].current
        now = 0 if current is None else 1 << current
        out[name] = allowed & ~now if name in free else allowed & now
    return out


def _hitting_sets(problem: Problem, domains: dict[str, int], deadline: Deadline) -> Iterator[frozenset[str]]:
    """Sets of variables that suffice to be changed, the smallest first."""
    forced = frozenset(n for n, d in domains.items() if not _now(problem, n) & d)
    names = [n for n in problem.variables if n not in forced]
    cores: list[frozenset[str]] = []
    given: set[frozenset[str]] = set()
    size = 0
    while size <= len(names):
        for chosen in _covering(cores, size):
            deadline.passed()
            core = None if chosen in given else _conflicting(problem, domains, names, chosen, deadline)
            if core is not None:
                cores.append(core)
                break
            if chosen not in given:
                given.add(chosen)
                yield forced | chosen
        else:
            size += 1


def _now(problem: Problem, name: str) -> int:
    current = problem.variables[name].current
    return 0 if current is None else 1 << current


def _covering(cores: list[frozenset[str]], size: int) -> Iterator[frozenset[str]]:
    """The sets of exactly `size` variables that meet every core, each variable needed when it was taken.

    A smaller set that meets every core was refuted before, which made a core that it does not meet.
    """
    seen: set[frozenset[str]] = set()

    def extend(chosen: frozenset[str]) -> Iterator[frozenset[str]]:
        missed = next((c for c in cores if not c & chosen), None)
        if missed is None:
            if len(chosen) == size and chosen not in seen:
                seen.add(chosen)
                yield chosen
        elif len(chosen) < size:
            for name in sorted(missed):
                yield from extend(chosen | {name})

    yield from extend(frozenset())


def _conflicting(
    problem: Problem, domains: dict[str, int], names: list[str], free: frozenset[str], deadline: Deadline
) -> frozenset[str] | None:
    """Variables that cannot all stay as they are, none of them in `free`; None where all but `free` can."""

    def held(kept: Sequence[str]) -> dict[str, int]:
        out = dict(domains)
        for name in kept:
            out[name] = domains[name] & _now(problem, name)
        return out

    rest = [n for n in names if n not in free]
    if propagate(problem, held(rest)) is None:
        return frozenset(minimal(lambda kept: propagate(problem, held(kept)) is None, rest))
    if solve(problem, held(rest), deadline) is not None:
        return None
    return frozenset(minimal(lambda kept: solve(problem, held(kept), deadline) is None, rest))


def _nearest(
    problem: Problem, domains: dict[str, int], free: frozenset[str], found: tuple[Cost, Solution] | None,
    deadline: Deadline,
) -> tuple[Cost, Solution] | None:  # fmt: skip
    """The cheapest solution in these domains if it is cheaper than `found`, else `found`: branch and bound."""
    best_so_far = found
    by_cost = {n: _by_cost(problem.variables[n], d) for n, d in domains.items()}

    def hopeless(bound: tuple[int, int]) -> bool:
        return best_so_far is not None and (len(free), *bound) >= best_so_far[0]

    def search(left: dict[str, int], todo: list[str], cost: tuple[int, int]) -> None:
        nonlocal best_so_far
        deadline.passed()
        least = {n: next(step for bit, step in by_cost[n] if left[n] & bit) for n in todo}
        if hopeless(_sum(cost, *least.values())):
            return
        if not todo:
            best_so_far = ((len(free), *cost), {n: d.bit_length() - 1 for n, d in left.items()})
            return
        name = min(todo, key=lambda n: left[n].bit_count())
        rest = [n for n in todo if n != name]
        others = _sum(cost, *(least[n] for n in rest))
        for bit, step in by_cost[name]:
            if hopeless(_sum(others, step)):
                return  # and so are the values after it, which cost more
            narrowed = propagate(problem, {**left, name: bit}, (name,)) if left[name] & bit else None
            if narrowed is not None:
                search(narrowed, rest, _sum(cost, step))

    start = propagate(problem, domains) if 0 not in domains.values() else None
    try:
        if start is not None:
            search(start, sorted(free), (0, 0))
    except OutOfTime:
        if best_so_far is None:
            raise
    return best_so_far


def _sum(*costs: tuple[int, int]) -> tuple[int, int]:
    return sum(c[0] for c in costs), sum(c[1] for c in costs)


def _by_cost(variable: Variable, domain: int) -> list[tuple[int, tuple[int, int]]]:
    """The bits of the values in a domain, each with what choosing it costs, the cheapest first."""
    places = sorted(bits(domain), key=variable.cost)
    return [(1 << place, variable.cost(place)) for place in places]
