"""The question put to the solver, first as it was asked and then more freely; what comes out is a plan's skeleton."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from doctor.base.record import dataclass
from doctor.derived.goal import Goal
from doctor.facts import Distributions, Facts, normalize
from doctor.findings import Conflict
from doctor.plan.build import build
from doctor.plan.draft import BACKEND, Draft
from doctor.plan.freedom import Freedom
from doctor.plan.solver.fewest import best, changes
from doctor.plan.solver.minimal_conflict import conflict
from doctor.plan.solver.problem import ABSENT, OTHER, OutOfTime, Problem, Solution, bits, propagate
from doctor.plan.solver.resolve import Deadline

SECONDS = 5.0
TRIES = 8  # releases of an engine that are tried one by one, the nearest first
TOLD = 12  # sentences of a conflict


@dataclass(frozen=True)
class Solved:
    """A solution in terms of distributions.

    `pins` are the releases chosen for what the goal needs, `changes` those that are not what is installed (the old
    release or None), `open` distributions that have to change and of which the data knows no releases.
    """

    problem: Problem
    solution: Solution
    draft: Draft
    freedom: Freedom

    @cached_property
    def values(self) -> dict[str, str]:
        """Every variable's value."""
        return {n: self.problem.variables[n].values[p] for n, p in self.solution.items()}

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """The variables that are not as they are now, distributions and others."""
        return changes(self.problem, self.solution)

    @cached_property
    def pins(self) -> dict[str, str]:
        """What the goal needs in exact releases, as far as the data covers it."""
        return {n: v for n, v in self.values.items() if n in self.draft.vital and v not in (ABSENT, OTHER)}

    @cached_property
    def changes(self) -> dict[str, str | None]:
        """What is installed, replaced or taken away: distribution -> what is there now."""
        have = self.draft.choices.installed
        return {n: have.version(n) for n in self.changed if n in self.draft.used}

    @cached_property
    def open(self) -> tuple[str, ...]:
        """Distributions that have to change, to which release is for the resolver to say."""
        return tuple(n for n in self.changed if self.values[n] == OTHER)

    @cached_property
    def removed(self) -> frozenset[str]:
        """Distributions that have to go."""
        have = self.draft.choices.installed
        return frozenset(n for n in self.changes if self.values[n] == ABSENT and have.get(n))

    @cached_property
    def wanted(self) -> frozenset[str]:
        """Distributions that are asked for by themselves: the engines, and what the model needs."""
        return frozenset((*self.draft.goal.engines, *self.draft.goal.packages, *self.freedom.required))

    @property
    def backend(self) -> str | None:
        """The backend to be named in the launch command, where it is another than now."""
        return self.values[BACKEND] if BACKEND in self.changed else None


@dataclass(frozen=True)
class Outcome:
    """`solved`, or the conflict that stands in the way, or neither where the search was given up (`undecided`).

    `refused` tells why less freedom was not enough for what was solved.
    """

    solved: Solved | None = None
    conflict: Conflict | None = None
    undecided: str | None = None
    refused: Conflict | None = None


def plan_for(facts: Facts, goal: Goal, freedom: Freedom, seconds: float = SECONDS) -> Outcome:
    """The first degree of freedom that has a solution: releases beside the engine, the engine's too, taking away.

    Where the engine's release has to change, the nearest one that has a solution is taken, and the fewest changes
    beside it: a far older engine may need less and is not what was asked for.
    """
    deadline, refused = Deadline(seconds), None
    try:
        for tried in _freedoms(facts, goal, freedom):
            draft, problem = build(facts, goal, tried)
            new = any(draft.choices.installed.get(e) is None for e in goal.engines)
            found = _nearest(facts, goal, tried, problem, deadline) if tried.engines or new else None
            if found is not None:
                return Outcome(found, refused=refused)
            solution = best(problem, deadline)
            if solution is not None:
                return Outcome(Solved(problem, solution, draft, tried), refused=refused)
            told = in_sentences(problem, conflict(problem, deadline))
            refused = refused or told
    except OutOfTime:
        return Outcome(undecided=f"the search was stopped after {seconds:.0f} s", refused=refused)
    return Outcome(conflict=told)


def _nearest(facts: Facts, goal: Goal, freedom: Freedom, problem: Problem, deadline: Deadline) -> Solved | None:
    """The solution with the engine's release that is nearest to the present one, of the first few.

    The newest one, where the engine is not there yet.
    """
    domains = problem.domains()
    left = propagate(problem, domains) if domains is not None else None
    if left is None or len(goal.engines) != 1 or goal.engines[0] in freedom.required:
        return None
    engine = problem.variables[goal.engines[0]]
    for place in sorted(bits(left[engine.name]), key=engine.cost)[:TRIES]:
        only = replace(freedom, required={**freedom.required, engine.name: f"=={engine.values[place]}"})
        draft, fixed = build(facts, goal, only)
        solution = best(fixed, deadline)
        if solution is not None:
            return Solved(fixed, solution, draft, freedom)
    return None


def _freedoms(facts: Facts, goal: Goal, freedom: Freedom) -> list[Freedom]:
    kept = {normalize(k) for k in freedom.keep}
    out = [freedom]
    if goal.engines and not set(goal.engines) <= kept and not freedom.engines:
        out.append(replace(freedom, engines=True))
    have = facts.distributions
    if isinstance(have, Distributions) and have.complete and not freedom.removal:
        out.append(replace(out[-1], removal=True))
    return out


def in_sentences(problem: Problem, members: tuple[str, ...]) -> Conflict:
    """The conflict in sentences, each behind "because"; clauses that say the same are told once."""
    sentences = []
    for member in members:
        clauses = [c for c in problem.clauses if c.member == member]
        words = list(dict.fromkeys(c.sentence for c in clauses if c.sentence))
        shown = "; and ".join(words[:3]) + ("; and more" if len(words) > 3 else "")
        sentences.append(f"Because {shown or member}")
    return Conflict(members, tuple(f"{s}." for s in sentences[:TOLD]))
