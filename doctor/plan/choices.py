"""The variables of a problem: for each distribution the releases that could be there, and how far they are from now."""

from __future__ import annotations

import re
from dataclasses import field, replace
from functools import cached_property, lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.derived.packages.requirements import fits, python_bounds
from doctor.derived.packages.tags import needed_glibc, tag_fits
from doctor.facts import Distribution, Distributions, Facts, Host, Target, normalize
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.hardware import version as numbers
from doctor.matrix.releases import Releases
from doctor.plan.ranges import admitted, parsed
from doctor.plan.solver.problem import ABSENT, OTHER, Variable

ATTESTED, WARNED, ENGINE = 1000, 3000, 8


@dataclass(frozen=True)
class Choice:
    """A distribution as a variable. `releases` are those that the data covers, the first values in their order.

    `installable` are the bits of values that may be chosen at all on this Python and platform, the present one too.
    """

    name: str
    releases: Releases | None
    values: tuple[str, ...]
    current: int | None
    installable: int

    def admitting(self, specifier: str) -> int:
        """The bits of the values that a specifier admits; what is not known by number is let pass."""
        out = admitted(self.releases, specifier) if self.releases else 0
        covered = len(self.releases.versions) if self.releases else 0
        for place in range(covered, len(self.values)):
            value = self.values[place]
            fine = value == OTHER or (value != ABSENT and _admits(specifier, value))
            out |= fine << place
        return out

    @property
    def present(self) -> int:
        """The bits of all values but that of not being installed."""
        return sum(1 << i for i, v in enumerate(self.values) if v != ABSENT)

    @property
    def beyond(self) -> int:
        """The bits of the values that the data's rows say nothing of."""
        covered = len(self.releases.versions) if self.releases else 0
        return ((1 << len(self.values)) - 1) & ~((1 << covered) - 1)


@dataclass
class Choices:
    """Makes the choices of one environment, each once. `removable` also lets what is installed be taken away.

    `prefer` is minimal, newest or attested. Where transformers is not there yet, an engine that bounds it only from
    below gets one of its own time: the oldest minor series that it takes.
    """

    facts: Facts
    prefer: str = "minimal"
    removable: bool = False
    cpu_torch: bool = False
    made: dict[str, Choice] = field(default_factory=dict)

    @cached_property
    def installed(self) -> Distributions:
        """What is there now; of a declaration, what its own lines fix: the rest follows from those."""
        return present_of(self.facts)

    def get(self, name: str) -> Choice:
        """The choice for a distribution."""
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def _make(self, name: str) -> Choice:
        known, have = rows.releases(name), self.installed.get(name)
        values = list(known.versions) if known else []
        current = known.place(have.version) if known and have else None
        if have and (current is None or (name == "torch" and self.cpu_torch)):
            current = len(values)
            values.append(have.build or have.version if name == "torch" else have.version)
        if known is None:
            values.append(OTHER)
        if have is None or self.removable:
            values.append(ABSENT)
        if have is None:
            current = len(values) - 1
        can = self._installable(name, known) if known else 1 << values.index(OTHER)
        if have and current is not None and _suits(have, self.facts.target):
            can |= 1 << current
        if values[-1] == ABSENT:
            can |= 1 << (len(values) - 1)
        return Choice(name, known, tuple(values), current, can)

    def _installable(self, name: str, known: Releases) -> int:
        """Neither retracted nor early, and made for this Python, platform and C library; not told means possible."""
        out = known.usable
        host = self.facts.host
        libc = host.libc if isinstance(host, Host) else None
        glibc = numbers(libc.version or "")[:2] if libc and libc.kind == "glibc" else None
        return out & for_python(name, self.facts.target, glibc)

    def variable(self, choice: Choice, attested: frozenset[str] = frozenset(), quiet: int = -1) -> Variable:
        """The choice as a variable, with what each value costs; `quiet` are values that no engine warns of."""
        count = len(choice.values)
        if choice.releases is None:
            return Variable(choice.name, choice.values, choice.current)
        steps, newness = _steps(choice.releases)
        here = choice.current if choice.current is not None and choice.current < len(choice.releases.versions) else None
        at = steps[here] if here is not None else _place_of(choice)
        seen = [v in attested for v in choice.values]
        weight = ENGINE if choice.name in serving_engines() else 1
        far, merit = [0] * count, [0] * count
        for place in range(count):
            covered = place < len(steps)
            near = abs(steps[place] - at) if covered and at is not None else 0
            fresh = newness[place] if covered else 0
            unseen = 0 if seen[place] else ATTESTED
            unseen += 0 if quiet >> place & 1 else WARNED
            if choice.name == "transformers" and self.prefer != "newest" and at is None and quiet == -1:
                far[place], merit[place] = steps[place] if covered else 0, unseen + fresh
            elif self.prefer == "newest":
                far[place], merit[place] = fresh, unseen
            elif self.prefer == "attested":
                far[place], merit[place] = unseen + near * weight, fresh
            else:
                far[place], merit[place] = near * weight, unseen + fresh
        return Variable(choice.name, choice.values, choice.current, tuple(far), tuple(merit))


def present_of(facts: Facts) -> Distributions:
    """What is there now; of a declaration, what its own lines fix: the rest follows from those."""
    have = facts.distributions
    if not isinstance(have, Distributions):
        return Distributions(())
    named = {p.key for p in have.declared}
    return have if have.complete else replace(have, installed=tuple(d for d in have.installed if d.key in named))


@lru_cache(maxsize=256)
def _steps(known: Releases) -> tuple[list[int], list[int]]:
    """For each release: the number of its minor series, and how many usable releases are newer."""
    series: dict[tuple[int, ...], int] = {}
    out = [series.setdefault(v.release[:2], len(series)) for v in parsed(known)]
    newer, count = [0] * len(out), 0
    for place in range(len(out) - 1, -1, -1):
        newer[place] = count
        count += known.usable >> place & 1
    return out, newer


def _place_of(choice: Choice) -> int | None:
    """Where an installed release that the data does not cover would stand among the minor series."""
    if choice.current is None or choice.releases is None or choice.values[choice.current] == ABSENT:
        return None
    try:
        here = Version(choice.values[choice.current])
    except InvalidVersion:
        return None
    steps, older = _steps(choice.releases)[0], [v for v in parsed(choice.releases) if v <= here]
    return steps[len(older) - 1] if older else 0


@lru_cache(maxsize=256)
def for_python(name: str, target: Target, glibc: tuple[int, ...] | None) -> int:
    """The releases of `name` that this Python may install: by Requires-Python and by the tags of their wheels."""
    known = rows.releases(name)
    assert known is not None
    everything = (1 << len(known.versions)) - 1
    pythons = python_bounds(target)
    if not pythons:
        return everything
    out = everything
    for having, text in rows.history(name, "meta", "requires_python"):
        if not any(_admits(str(text or ""), python) for python in pythons):
            out &= ~having.bits
    told = fitting = 0
    for tag in rows.keys(name, "tags"):
        mask = 0
        for having, _ in rows.history(name, "tags", tag):
            mask |= having.bits
        told |= mask
        if tag_fits(tag, target) and (glibc is None or (needed_glibc((tag,)) or glibc) <= glibc):
            fitting |= mask
    # where some releases have wheels, the others are published as source alone: never chosen without being asked for
    return out & (fitting if told else everything)


def only_source(name: str, version: str) -> bool:
    """Whether the data knows of this release that it is published without any wheel."""
    row = rows.row(name, version, "tags", "wheel")
    wheel = (row or {}).get("wheel", {})
    return row is not None and not row.get("tags") and not str(wheel.get("filename", ".whl")).endswith(".whl")


def _admits(specifier: str, version: str) -> bool:
    try:
        return fits(SpecifierSet(re.sub(r"(>=|<=|>|<)(\s*[\d.]+)\.\*", r"\1\2", specifier)), version) is not False
    except InvalidSpecifier:
        return True


def _suits(one: Distribution, target: Target) -> bool:
    """Whether what is installed was made for the target's Python; where its Python is not known, it was."""
    pythons = python_bounds(target)
    if pythons and not any(_admits(one.requires_python or "", python) for python in pythons):
        return False
    return not one.tags or any(tag_fits(tag, target) for tag in one.tags)


def key(name: str) -> str:
    """The name by which a distribution stands in a problem."""
    return normalize(name)
