"""Which releases of a distribution have everything that is imported from it here."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier
from packaging.version import InvalidVersion, Version

from doctor.facts import Cause, Distributions, Facts, Modules, normalize
from doctor.findings import Action, Evidence, Remediation
from doctor.matrix.providers import all_releases, releases_with
from doctor.matrix.releases import ReleaseSet
from doctor.rules.imp.failures import installed


@dataclass(frozen=True, slots=True)
class Window:
    """`having`: the releases that have the missing thing. `fitting`: those that have all else as well, if any."""

    distribution: str
    version: str
    having: ReleaseSet
    fitting: ReleaseSet

    @property
    def chosen(self) -> ReleaseSet:
        """What to install: the releases that fit everything, or at least have what is missing."""
        return self.fitting if self.fitting.newest else self.having

    @property
    def direction(self) -> str:
        """`upgrade` or `downgrade`, from the installed version to the nearest release that will do."""
        oldest, newest = self.chosen.oldest, self.chosen.newest
        try:
            here = Version(self.version)
            if oldest and here < Version(oldest):
                return "upgrade"
            return "downgrade" if newest and here > Version(newest) else "install"
        except InvalidVersion:
            return "install"


def window(facts: Facts, cause: Cause) -> Window | None:
    """The releases that would mend `cause`; None where the data does not cover what it is about."""
    owner = installed(facts, cause.module)
    if owner is None:
        return None
    having = releases_with(owner[0], cause.module, cause.name)
    if having is None or not having.newest:
        return None
    return Window(owner[0], owner[1], having, having & _fitting(facts, owner[0]) if _knows(owner[0]) else having)


def _knows(distribution: str) -> bool:
    return all_releases(distribution) is not None


def _fitting(facts: Facts, distribution: str) -> ReleaseSet:
    """The releases that have every name taken from the distribution here, and that every requirement admits."""
    releases = all_releases(distribution)
    assert releases is not None
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
    owner = installed(facts, module)
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


def remediations(found: Window, engine_of: str) -> list[Remediation]:
    """The way out: another release of the distribution; safe where all that is imported here is in it."""
    specifier = found.chosen.spec()
    title = f"{found.direction} {found.distribution} to {specifier}"
    if not found.fitting.newest:
        title += f"; no release has all that is imported here, so {engine_of} or a package beside it has to change too"
    action = Action("install", package=found.distribution, specifier=specifier, direction=found.direction)
    return [Remediation(title, (action,), "safe" if found.fitting.newest else "unsafe")]


def evidence(found: Window, what: str) -> Evidence:
    """Which releases have it, beside the one that is here."""
    return Evidence(what, f"{found.distribution} {found.version}", f"{found.distribution} {found.having.spec()}",
                    "names read out of the published wheels")  # fmt: skip
