"""Where a project's releases refuse: typed access to `matrices/raising/`, for the message of a log.

Nothing here is read before a log has a failure: the files are large.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from functools import cache, cached_property
from itertools import accumulate, count
from pathlib import Path

from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.message_digest import Fit, Spoken, anchors_of
from doctor.matrix.files.names_file import bits, releases_of
from doctor.matrix.files.raising_file import RaisingTable, placed
from doctor.matrix.releases import Releases, ReleaseSet

FOLDER = "raising"
LARGEST = 64 << 20


@dataclass(frozen=True)
class KnownSite:
    """One place: `lines` are its line numbers, oldest first, each with the releases that have it there.

    `raised` is the exception's name, or `log` for an error record; `condition` is Python, empty where the `function`
    (known only then) gets there always.
    """

    file: str
    raised: str
    condition: str
    function: str
    lines: tuple[tuple[ReleaseSet, int], ...]

    @cached_property
    def releases(self) -> ReleaseSet:
        """All releases that have it."""
        found = self.lines[0][0]
        for more, _ in self.lines[1:]:
            found |= more
        return found

    def line(self, version: str | None) -> int | None:
        """Its line in a release; in the newest that has it where none is given; None where that one lacks it."""
        if version is None:
            return max(self.lines, key=lambda pair: pair[0].bits)[1]
        return next((line for releases, line in self.lines if releases.contains(version)), None)


@dataclass(frozen=True)
class Match:
    """A place whose message fits, how well, and the digest of the message, which other places may share."""

    site: KnownSite
    fit: Fit
    digest: str


class RaiseSites:
    """The places of one project. `text` is the expanded file; only what a message needs of it is taken apart."""

    def __init__(self, text: str) -> None:
        """Raises NamesError, ValueError, KeyError for text that is not in the format."""
        self.releases: Releases = releases_of(text)
        start, *lines = text.rstrip("\n").split("\n")
        head = json.loads(start)
        templates, tests = head["counts"]
        self._raised: list[str] = head["raised"]
        self._digests = lines[:templates]
        self._tests = lines[templates : templates + tests]
        self._files = lines[templates + tests :]

    def matches(self, spoken: Spoken) -> list[Match]:
        """Every place whose message may be this one, in any release."""
        wanted = spoken.anchors.keys() & set(self._anchors)
        numbers = [n for n, anchor in enumerate(self._anchors) if anchor in wanted] if wanted else []
        fits = {n: fit for n in numbers if (fit := spoken.fit(self._digests[n]))}
        places = [at for at, has in enumerate(self._has) if not has.isdisjoint(fits)] if fits else []
        return [
            Match(site, fits[n], self._digests[n]) for place in places for n, site in self._sites(place) if n in fits
        ]

    def at(self, file: str, line: int, version: str) -> list[KnownSite]:
        """The places on this line of a file in a release."""
        place = next((i for i, r in enumerate(self._files) if r.startswith(f"{file}\t")), None)
        sites = [] if place is None else [s for _, s in self._sites(place)]
        return [s for s in sites if s.line(version) == line]

    def nearest(self, version: str) -> str | None:
        """The release that stands for `version`: itself, else the newest that was read of those before it."""
        try:
            wanted = Version(Version(version).public)
        except InvalidVersion:
            return None
        before = [v for v in self.releases.versions if Version(v) <= wanted]
        return before[-1] if before else self.releases.versions[0]

    def table(self) -> RaisingTable:
        """The whole file, to be added to."""
        out = RaisingTable(self.releases)
        for place in range(len(self._files)):
            for number, site in self._sites(place):
                known = out.files.setdefault(site.file, {})
                said, test = self._digests[number], site.condition or f"@{site.function}"
                nth = next(i for i in count() if (said, site.raised, test, i) not in known)
                places = {
                    at: n for have, n in site.lines for at in range(len(self.releases.versions)) if have.bits >> at & 1
                }
                known[said, site.raised, test, nth] = places
        return out

    @cached_property
    def _anchors(self) -> list[str]:
        return anchors_of("\n".join(self._digests))

    @cached_property
    def _starts(self) -> list[tuple[int, int]]:
        """The last numbers of a template and of a condition before each file's row."""
        out, template, test = [], 0, 0
        for row in self._files:
            out.append((template, test))
            columns = row.split("\t", 4)
            template += sum(map(int, columns[1].split()))
            test += sum(map(int, columns[3].split()))
        return out

    @cached_property
    def _has(self) -> list[frozenset[int]]:
        """The templates of each file's row."""
        out, number = [], 0
        for row in self._files:
            _, *numbers = accumulate(map(int, row.split("\t", 2)[1].split()), initial=number)
            number = numbers[-1] if numbers else number
            out.append(frozenset(numbers))
        return out

    def _sites(self, place: int) -> Iterator[tuple[int, KnownSite]]:
        """Each site of a file with the number of its template."""
        name, *columns = self._files[place].split("\t")
        template, test = self._starts[place]
        steps, raised, tests = (c.split() for c in columns[:3])
        lines = self._lines(columns[3:], len(steps))
        for at, (step, kind, to) in enumerate(zip(steps, raised, tests, strict=True)):
            template, test = template + int(step), test + int(to)
            text = self._tests[test]
            condition, function = ("", text[1:]) if text.startswith("@") else (text, "")
            yield template, KnownSite(name, self._raised[int(kind)], condition, function, lines[at])

    def _lines(self, cells: list[str], sites: int) -> list[tuple[tuple[ReleaseSet, int], ...]]:
        last: list[int | None] = [None] * sites
        out: list[dict[int, ReleaseSet]] = [{} for _ in range(sites)]
        for cell in cells:
            spanned, _, moves = cell.partition("|")
            have = ReleaseSet(self.releases, bits(spanned, len(self.releases.versions)))
            for place, line in enumerate(placed(moves, last)):
                if line is not None:
                    out[place][line] = have | out[place].get(line, have)
        return [tuple((releases, line) for line, releases in found.items()) for found in out]


def raise_sites(project: str) -> RaiseSites | None:
    """The places of a project; None where it is not covered. Raises DataError for damaged data."""
    path = data_dir() / FOLDER / f"{project}.z"
    return _kept(path) if re.fullmatch(r"[\w-]{1,60}", project) and path.is_file() else None


def covered() -> tuple[str, ...]:
    """The projects that are covered."""
    return tuple(sorted(p.stem for p in (data_dir() / FOLDER).glob("*.z")))


def read(path: Path) -> RaiseSites:
    """A project's file. Raises DataError for one that is damaged."""
    try:
        expand = zlib.decompressobj()
        text = expand.decompress(path.read_bytes(), LARGEST)
        if not expand.eof:
            raise DataError(f"{path.name}: larger than {LARGEST} bytes, or cut off")
        return RaiseSites(text.decode())
    except (OSError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise DataError(f"{path.name}: {error}") from error


@cache
def _kept(path: Path) -> RaiseSites:
    return read(path)
