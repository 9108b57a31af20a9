"""Specifiers over the releases that the data knows, by binary search instead of one comparison a release."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.matrix.releases import Releases


@lru_cache(maxsize=8192)
def admitted(releases: Releases, specifier: str) -> int:
    """The bits of the releases that a PEP 440 specifier admits, pre-releases too; all for one that is none."""
    everything = (1 << len(releases.versions)) - 1
    try:
        clauses = SpecifierSet(specifier)
    except InvalidSpecifier:
        return everything
    for clause in clauses:
        everything &= _clause(releases, clause)
    return everything


@lru_cache(maxsize=64)
def parsed(releases: Releases) -> list[Version]:
    """The releases as versions, oldest first."""
    return list(releases.index)


@lru_cache(maxsize=8192)
def _clause(releases: Releases, clause: Specifier) -> int:
    known = parsed(releases)
    try:
        version = Version(clause.version)
    except InvalidVersion:
        version = None
    if version is None or version.local or clause.operator not in ("<", "<=", ">", ">=", "==", "!="):
        return sum(1 << i for i, v in enumerate(known) if clause.contains(v, prereleases=True))
    start, end, everything = bisect_left(known, version), bisect_right(known, version), (1 << len(known)) - 1
    same = (1 << end) - (1 << start)
    if clause.operator in ("==", "!="):
        return same if clause.operator == "==" else everything & ~same
    if clause.operator == "<=":
        return (1 << end) - 1
    if clause.operator == ">=":
        return everything & ~((1 << start) - 1)
    below = clause.operator == "<"
    rest = (1 << start) - 1 if below else everything & ~((1 << end) - 1)
    # pre-releases of the bound lie right below it and its post-releases right above: they have rules of their own
    bound = Version(version.base_version)
    for place in range(start - 1, -1, -1) if below else range(end, len(known)):
        if Version(known[place].base_version) != bound:
            break
        if not clause.contains(known[place], prereleases=True):
            rest &= ~(1 << place)
    return rest
