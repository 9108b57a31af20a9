"""Who brings a module, and which of its releases have everything that is imported from it here."""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier

from doctor.facts import Cause, Distributions, Facts, Modules, normalize
from doctor.matrix.providers import all_releases, releases_with
from doctor.matrix.releases import ReleaseSet
from doctor.matrix.windows import Window


def owner_of(facts: Facts, module: str) -> tuple[str, str] | None:
    """The distribution (name, version) that brings the top level of `module`; None where none is installed."""
    if not isinstance(facts.distributions, Distributions):
        return None
    top = module.partition(".")[0]
    owner = next((d for d in facts.distributions.installed if top in d.top_level), None)
    return (owner.name, owner.build or owner.version) if owner else None


def window(facts: Facts, cause: Cause) -> Window | None:
    """The releases that would mend `cause`; None where the data does not cover what it is about."""
    owner = owner_of(facts, cause.module)
    if owner is None:
        return None
    having = releases_with(owner[0], cause.module, cause.name)
    if having is None or not having.newest:
        return None
    fitting = _fitting(facts, owner[0])
    return Window(owner[0], owner[1], having, None if fitting is None else having & fitting)


def _fitting(facts: Facts, distribution: str) -> ReleaseSet | None:
    """The releases that have every name taken from the distribution here, and that every requirement admits."""
    releases = all_releases(distribution)
    if releases is None:
        return None
    fitting = releases.everything()
    for use in facts.modules.uses if isinstance(facts.modules, Modules) else ():
        if _belongs(use.module, distribution, facts):
            having = releases_with(distribution, use.module, use.name)
            if having is not None and having.newest:  # names that no release shows are bound in ways we do not see
                fitting = fitting & having
    for specifier in _requirements(facts, distribution):
        try:
            fitting = fitting & releases.matching(specifier)
        except InvalidSpecifier:
            continue
    return fitting


def _belongs(module: str, distribution: str, facts: Facts) -> bool:
    owner = owner_of(facts, module)
    return owner is not None and normalize(owner[0]) == normalize(distribution)


def _requirements(facts: Facts, distribution: str) -> list[str]:
    out = []
    key = normalize(distribution)
    for other in facts.distributions.installed if isinstance(facts.distributions, Distributions) else ():
        for line in other.requires:
            if key not in normalize(line[: len(key) + 8]):
                continue
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                continue
            if normalize(requirement.name) == key and requirement.marker is None and str(requirement.specifier):
                out.append(str(requirement.specifier))
    return out
