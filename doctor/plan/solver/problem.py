"""A way out as a problem of choice: what can be chosen, what goes together, and what is there now.

Everything is finite: a variable is a distribution (its values are releases), a backend, or a fact of the machine, and
sets of values are bits over their order. Nothing here knows packages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from functools import cached_property

from doctor.base.record import dataclass

ABSENT = ""  # the value of a distribution that is not installed
OTHER = "*"  # some release other than the installed one, of a distribution whose releases the data does not cover


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing to choose. `current` is the place of the value that it has now, None where that is none of them.

    `distance` says how far each value is from the current one, `merit` orders values that are equally far (the lower,
    the better); both have one number a value.
    """

    name: str
    values: tuple[str, ...]
    current: int | None = None
    distance: tuple[int, ...] = ()
    merit: tuple[int, ...] = ()

    def cost(self, place: int) -> tuple[int, int]:
        """What choosing the value costs beside being a change at all."""
        return (self.distance[place] if self.distance else 0, self.merit[place] if self.merit else 0)

    @property
    def all(self) -> int:
        """The bits of all values."""
        return (1 << len(self.values)) - 1


@dataclass(frozen=True, slots=True)
class Clause:
    """Where `owner` has a value in `when`, `target` has to have one in `then`; without an owner, always.

    Clauses with the same `member` are one requirement: they hold or are given up together. `subject` and `source`
    say what it is about and where that is written; `text` is that as words to stand behind "because". `requested`: the
    user named it, so it is no reason for anything else.
    """

    target: str
    then: int
    member: str
    owner: str | None = None
    when: int = 0
    subject: str = ""
    source: str = ""
    text: str | Callable[[int], str] = ""
    requested: bool = False

    @property
    def sentence(self) -> str:
        """The text; what takes time to put into words is put so only where it is told."""
        return self.text if isinstance(self.text, str) else self.text(self.when)

    def sentence_for(self, place: int | None) -> str:
        """The text about one value of the owner alone."""
        return self.sentence if place is None or isinstance(self.text, str) else self.text(1 << place)


@dataclass(frozen=True)
class Problem:
    """Variables by name and all clauses. `members` of the clauses in `fixed` are never given up in a conflict."""

    variables: dict[str, Variable]
    clauses: tuple[Clause, ...] = ()
    fixed: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The requirements that could be given up, in order of first mention."""
        return tuple(dict.fromkeys(c.member for c in self.clauses if c.member not in self.fixed))

    @cached_property
    def owned(self) -> dict[str, tuple[Clause, ...]]:
        """The clauses that a variable's value brings, by that variable."""
        out: dict[str, list[Clause]] = {}
        for clause in self.clauses:
            if clause.owner is not None:
                out.setdefault(clause.owner, []).append(clause)
        return {name: tuple(clauses) for name, clauses in out.items()}

    @cached_property
    def touching(self) -> dict[str, tuple[Clause, ...]]:
        """The clauses with an owner that mention a variable on either side."""
        out: dict[str, list[Clause]] = {name: [] for name in self.variables}
        for clause in self.clauses:
            if clause.owner is not None:
                out[clause.owner].append(clause)
                if clause.target != clause.owner:
                    out[clause.target].append(clause)
        return {name: tuple(clauses) for name, clauses in out.items()}

    def with_members(self, members: Iterable[str]) -> Problem:
        """The same with only these requirements, and those that are fixed."""
        kept = self.fixed.union(members)
        return Problem(self.variables, tuple(c for c in self.clauses if c.member in kept), self.fixed)

    def domains(self) -> dict[str, int] | None:
        """What the clauses without an owner leave of each variable; None where that is nothing for one of them."""
        out = {name: variable.all for name, variable in self.variables.items()}
        for clause in self.clauses:
            if clause.owner is None:
                out[clause.target] &= clause.then
        return None if 0 in out.values() else out


Solution = dict[str, int]  # variable -> the place of its value


class OutOfTime(Exception):
    """The search was given up: nothing is known, least of all that there is no way."""


def bits(word: int) -> list[int]:
    """The places of the bits that are set."""
    out = []
    while word:
        low = word & -word
        out.append(low.bit_length() - 1)
        word ^= low
    return out


def propagate(problem: Problem, domains: dict[str, int], changed: Iterable[str] | None = None) -> dict[str, int] | None:
    """What is left of `domains` (copied) when each clause is applied in both directions; None where nothing is.

    `changed` names the variables that were narrowed since the last time, all where it is not given.
    """
    left = dict(domains)
    queue = list(problem.variables if changed is None else changed)
    waiting = set(queue)
    while queue:
        name = queue.pop()
        waiting.discard(name)
        for clause in problem.touching[name]:
            owner, target = clause.owner, clause.target
            assert owner is not None
            of_owner, of_target = left[owner], left[target]
            if not of_owner & ~clause.when and of_target & ~clause.then:
                narrowed, value = target, of_target & clause.then
            elif of_owner & clause.when and not of_target & clause.then:
                narrowed, value = owner, of_owner & ~clause.when
            else:
                continue
            if not value:
                return None
            left[narrowed] = value
            if narrowed not in waiting:
                waiting.add(narrowed)
                queue.append(narrowed)
    return left
