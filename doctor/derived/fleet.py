"""Several machines that serve one model together, as one value: a Case for each kind of machine, and what links them.

Machines with equal digests are a kind: one of them is known in full (`facts`), the others by their digest alone. That
is what keeps a thousand machines small.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from doctor.base.record import dataclass
from doctor.base.text import conjoined
from doctor.facts import Facts
from doctor.facts.node import SECTIONS, Digest, Tried

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Member:
    """One machine. `name` is ours, from the user's list, never the machine's own word.

    `digest` and `facts` are None where it did not answer, and `reason` says why. `facts` are those of its kind;
    `full`: they are its own. `tried` are its attempts to reach the others. `skew` is how many seconds its clock is
    ahead of ours. `ran` is the interpreter on the node that ran doctor.
    """

    name: str
    rank: int
    digest: Digest | None = None
    facts: Facts | None = None
    reason: str | None = None
    full: bool = False
    tried: tuple[Tried, ...] = ()
    skew: float | None = None
    ran: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """Machines that are alike; the first is the one that is known in full."""

    members: tuple[Member, ...]

    @property
    def facts(self) -> Facts | None:
        """The facts of the machine that stands for all."""
        return self.members[0].facts

    @property
    def names(self) -> str:
        """`a, b and 14 more`."""
        return named(m.name for m in self.members)


@dataclass(frozen=True)
class Fleet:
    """All machines in the order of their ranks; what follows from them is worked out once."""

    members: tuple[Member, ...]

    @cached_property
    def answered(self) -> tuple[Member, ...]:
        """Those of which something is known."""
        return tuple(m for m in self.members if m.digest is not None)

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of machines, the most frequent first; of equally many, the one with the lowest rank."""
        found: dict[tuple[str, ...], list[Member]] = {}
        for member in self.answered:
            if member.digest is not None:
                found.setdefault(member.digest.key, []).append(member)
        order = sorted(found.values(), key=lambda group: (-len(group), group[0].rank))
        return tuple(Kind(tuple(sorted(group, key=lambda m: (not m.full, m.rank)))) for group in order)

    @cached_property
    def differing(self) -> dict[str, list[Kind]]:
        """The sections in which machines differ, each with the kinds that are not like most of the machines."""
        kinds, out = self.kinds, dict[str, list[Kind]]()
        for name in SECTIONS:
            usual = _most_usual(kinds, name)
            odd = [k for k in kinds if _value(k, name) != usual]
            if odd:
                out[name] = odd
        return out


def named(names: Iterable[str]) -> str:
    """Names as a sentence lists them, eight at most."""
    listed = list(names)
    return conjoined([*listed[:SHOWN], f"{len(listed) - SHOWN} more"] if len(listed) > SHOWN else listed)


def _value(kind: Kind, name: str) -> str:
    digest = kind.members[0].digest
    return digest.sections.get(name, "") if digest else ""


def _most_usual(kinds: tuple[Kind, ...], name: str) -> str:
    counts: dict[str, int] = {}
    for kind in kinds:
        counts[_value(kind, name)] = counts.get(_value(kind, name), 0) + len(kind.members)
    return max(counts, key=lambda value: counts[value], default="")
