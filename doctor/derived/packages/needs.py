"""What the installed distributions require of each other on the target; it follows from their metadata."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from packaging.requirements import Requirement

from doctor.base.record import dataclass
from doctor.derived.case import Case, memoized
from doctor.derived.packages.requirements import applies, environments, parse
from doctor.facts import Distribution, Distributions, Target, normalize

Where = tuple[tuple[tuple[str, str], ...], ...]  # the marker environments that the target may have


@dataclass(frozen=True)
class Need:
    """A requirement that counts here: who has it, its line parsed, and the extra it comes through, if any."""

    owner: Distribution
    requirement: Requirement
    extra: str = ""
    asked_by: str = ""

    @property
    def name(self) -> str:
        """The required distribution's normalized name."""
        return normalize(self.requirement.name)


@dataclass(frozen=True)
class Needs:
    """All requirements that count for the target; `unclear` are those whose markers cannot be judged."""

    found: list[Need]
    unclear: list[str]


@memoized
def needs_of(case: Case) -> Needs:
    """The requirements of every installed distribution, and those of the extras that others ask for."""
    have = case.facts.distributions
    return _collect(have, case.facts.target) if isinstance(have, Distributions) else Needs([], [])


def _collect(distributions: Distributions, target: Target) -> Needs:
    where = tuple(tuple(sorted(one.items())) for one in environments(target))
    out = Needs([], [])
    queue = [(one, "", "") for one in distributions.installed]
    seen = {(one.key, "") for one in distributions.installed}
    while queue:
        owner, extra, asked_by = queue.pop(0)
        for need in _of_one(owner, extra, asked_by, where, out.unclear):
            out.found.append(need)
            other = distributions.get(need.name) if need.requirement.extras else None
            for name in sorted(need.requirement.extras) if other else ():
                if other and (other.key, normalize(name)) not in seen:
                    seen.add((other.key, normalize(name)))
                    queue.append((other, normalize(name), owner.name))
    return out


def _of_one(owner: Distribution, extra: str, asked_by: str, where: Where, unclear: list[str]) -> Iterator[Need]:
    for line in owner.requires:
        marker = line.partition(";")[2]
        if ("extra" in marker) != bool(extra) and " or " not in marker:
            continue  # said apart, because parsing is what costs time
        requirement = parse(line)
        if requirement is None:
            continue
        verdict = _counts(line, extra, where)
        if verdict is None:
            unclear.append(f"{owner.name}: {line}")
        elif verdict:
            yield Need(owner, requirement, extra, asked_by)


@lru_cache(maxsize=20_000)
def _counts(line: str, extra: str, where: Where) -> bool | None:
    """Whether a requirement counts because of `extra`, and not without it; None where that cannot be told.

    Kept, because every plan that is tried asks the same of the packages that it leaves as they are.
    """
    requirement = parse(line)
    marker = requirement.marker if requirement is not None else None
    environments = tuple(dict(one) for one in where)
    verdict = applies(marker, environments, extra)
    return verdict and not (extra and applies(marker, environments))
