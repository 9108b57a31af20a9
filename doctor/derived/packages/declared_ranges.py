"""Declared ranges: which releases the lines of a declaration admit."""

from __future__ import annotations

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from doctor.base.late import late_pattern
from doctor.derived.packages.requirements import parse
from doctor.facts import Distributions, Pin, normalize
from doctor.matrix.releases import Releases, ReleaseSet

_LOCK = late_pattern(r"(?:\.lock|^pylock[\w.-]*\.toml)(?::\d+)?$")


def last_lines(distributions: Distributions, name: str) -> tuple[Pin, ...]:
    """The lines that name a distribution in the last install that does, constraints of it included."""
    mine = [p for p in distributions.declared if p.key == normalize(name)]
    last = max((p.step for p in mine), default=0)
    return tuple(p for p in mine if p.step == last)


def line_of(distributions: Distributions, name: str) -> Pin | None:
    """The line that a message about a distribution should name, or None."""
    return next(iter(last_lines(distributions, name)), None)


def specifier_of(pin: Pin) -> SpecifierSet | None:
    """What a line says of the version; None where it depends on a marker or says nothing."""
    requirement = parse(pin.requirement)
    if requirement is None or requirement.marker is not None or not len(requirement.specifier):
        return None
    return requirement.specifier


def pinned_together(distributions: Distributions, one: str, other: str) -> bool:
    """Whether the last install that names both pins both of them; a lock file's lines are installed as they are."""
    steps = []
    for name in (one, other):
        lines = [p for p in last_lines(distributions, name) if not p.constraint and _is_pin(p)]
        steps.append({p.step for p in lines if not _LOCK.search(p.source)})
    return bool(steps[0] & steps[1])


def _is_pin(pin: Pin) -> bool:
    specifier = specifier_of(pin)
    return specifier is not None and any(s.operator in ("==", "===") and "*" not in s.version for s in specifier)


def admitted(distributions: Distributions, name: str, known: Releases) -> ReleaseSet | None:
    """The releases that all lines about a distribution admit; None where none of them bounds it."""
    out: ReleaseSet | None = None
    for pin in last_lines(distributions, name):
        specifier = specifier_of(pin)
        if specifier is None:
            continue
        try:
            here = known.matching(str(specifier))
        except InvalidSpecifier:
            continue
        out = here if out is None else out & here
    return out
