"""Sets of a project's published releases, in order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import groupby, pairwise

from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass

MOST_HOLES = 6


@dataclass(frozen=True)
class Releases:
    """The releases of one project that the data covers, oldest first; `yanked` are those its authors retracted."""

    project: str
    versions: tuple[str, ...]
    yanked: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Releases({self.project!r}, {len(self.versions)} of them)"

    @cached_property
    def index(self) -> dict[Version, int]:
        """The place of each release in the order."""
        return {Version(v): i for i, v in enumerate(self.versions)}

    @cached_property
    def usable(self) -> int:
        """The bits of the releases that an installer would choose by itself: neither yanked nor pre-releases."""
        return sum(1 << i for v, i in self.index.items() if not v.is_prerelease and self.versions[i] not in self.yanked)

    def place(self, version: str) -> int | None:
        """The place of `version` (its local part aside) in the order, or None."""
        try:
            return self.index.get(Version(Version(version).public))
        except InvalidVersion:
            return None

    def everything(self) -> ReleaseSet:
        """All releases."""
        return ReleaseSet(self, (1 << len(self.versions)) - 1)

    def matching(self, specifier: str) -> ReleaseSet:
        """The releases that a PEP 440 specifier admits, pre-releases too. Raises InvalidSpecifier."""
        from packaging.specifiers import SpecifierSet

        wanted = SpecifierSet(specifier)
        if not len(wanted):
            return self.everything()
        return ReleaseSet(self, sum(1 << i for v, i in self.index.items() if wanted.contains(v, prereleases=True)))


@dataclass(frozen=True)
class ReleaseSet:
    """Some releases of one project, as bits over their order; `&`, `|`, `-` as for sets."""

    releases: Releases
    bits: int

    def __repr__(self) -> str:
        return f"ReleaseSet({self.releases.project}{self.spec()})"

    def __and__(self, other: ReleaseSet) -> ReleaseSet:
        return ReleaseSet(self.releases, self.bits & other.bits)

    def __or__(self, other: ReleaseSet) -> ReleaseSet:
        return ReleaseSet(self.releases, self.bits | other.bits)

    def __sub__(self, other: ReleaseSet) -> ReleaseSet:
        return ReleaseSet(self.releases, self.bits & ~other.bits)

    def __bool__(self) -> bool:
        return bool(self.bits)

    def __iter__(self) -> Iterator[str]:
        return iter(self.all_versions)

    @property
    def versions(self) -> tuple[str, ...]:
        """The members that an installer would choose (not yanked, no pre-release), oldest first."""
        return self._named(self.bits & self.releases.usable)

    @property
    def all_versions(self) -> tuple[str, ...]:
        """All members, oldest first."""
        return self._named(self.bits)

    @property
    def newest(self) -> str | None:
        """The newest of `versions`, or None where there is none."""
        return self.versions[-1] if self.versions else None

    @property
    def oldest(self) -> str | None:
        """The oldest of `versions`, or None where there is none."""
        return self.versions[0] if self.versions else None

    def contains(self, version: str) -> bool | None:
        """Whether `version` (its local part aside) is a member; None for a release the data does not know."""
        place = self.releases.place(version)
        return None if place is None else bool(self.bits >> place & 1)

    def spec(self) -> str:
        """A PEP 440 specifier that admits exactly `versions` among the usable releases: `>=4.42.0,<=4.56.2`.

        A bound is left out where the set reaches the end of what is known; the empty set is `<0`. Where it would
        exclude more than `MOST_HOLES` releases or series one by one, it admits the newest unbroken run alone.
        """
        known = self._named(self.releases.usable)
        runs = _runs(known, set(self.versions))
        if not runs:
            return "<0"
        if len(self.versions) == 1:
            return f"=={self.versions[0]}"
        holes = [hole for (_, end), (start, _) in pairwise(runs) for hole in _without(known, end + 1, start)]
        if len(holes) > MOST_HOLES:
            runs, holes = runs[-1:], []
        parts = [f">={known[runs[0][0]]}"] if runs[0][0] else []
        parts += holes
        if runs[-1][1] < len(known) - 1:
            parts.append(f"<={known[runs[-1][1]]}")
        return ",".join(parts)

    def _named(self, bits: int) -> tuple[str, ...]:
        return tuple(v for i, v in enumerate(self.releases.versions) if bits >> i & 1)


def _runs(known: tuple[str, ...], members: set[str]) -> list[tuple[int, int]]:
    """First and last place of each unbroken run of members."""
    out = []
    for inside, group in groupby(enumerate(known), key=lambda pair: pair[1] in members):
        places = [i for i, _ in group]
        if inside:
            out.append((places[0], places[-1]))
    return out


def _without(known: tuple[str, ...], start: int, stop: int) -> list[str]:
    """`!=` parts for the hole `known[start:stop]`, a whole minor series as one."""
    hole, out = known[start:stop], []
    for minor, group in groupby(hole, key=lambda v: Version(v).release[:2]):
        members = list(group)
        series = [v for v in known if Version(v).release[:2] == minor]
        dotted = ".".join(map(str, minor))
        out.extend([f"!={dotted}.*"] if len(members) == len(series) > 1 else [f"!={v}" for v in members])
    return out
