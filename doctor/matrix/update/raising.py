"""Reads where releases refuse, remembers each release at once, and writes a project's file in one step."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version

from doctor.base.json_object import JsonObject
from doctor.base.late import late_pattern
from doctor.base.owned import is_owned, read_owned, write_owned
from doctor.matrix.extract.bindings import parse
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.extract.raising.sites import Site, sites_of
from doctor.matrix.files.message_digest import encoded
from doctor.matrix.files.raising_file import RaisingTable
from doctor.matrix.raise_sites import read
from doctor.matrix.releases import Releases
from doctor.matrix.update.build import LARGEST, Offer, atomic
from doctor.remote.source import WheelSource

GENERATION = 1
LARGEST_SOURCE = 4 << 20
_MAY = late_pattern(rb"\b(?:raise|assert)\b|\.(?:error|critical|exception|fatal)\(")
# Files that no server runs: the projects' own tests, what writes or converts a model's source, bundled kernel sources.
APART = late_pattern(r"/tests?/|/(?:modular|convert)_[^/]*\.py$|/kernel_src/|^flashinfer/(?!jit/|comm/|[^/]*\.py$)")
Rows = dict[str, list[list[Any]]]


class SiteReader:
    """Reads the releases of one project; files that releases share are parsed once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[tuple[int, int], list[list[Any]]] = {}

    def read(self, source: WheelSource) -> Rows:
        """File -> its sites, as lists of a Site's fields. Raises WheelError."""
        tops = tuple(f"{p}/" for p in self.project.packages)
        members = sorted(m for m in source.names() if m.startswith(tops) and m.endswith(".py"))
        source.prefetch(m for m in members if source.identity(m) not in self._known)
        return {m: found for m in members if (found := self._sites(source, m))}

    def _sites(self, source: WheelSource, member: str) -> list[list[Any]]:
        key = source.identity(member)
        if key not in self._known:
            data = source.read(member, LARGEST_SOURCE)
            tree = parse(data.decode("utf-8-sig", "replace")) if _MAY.search(data) else None
            self._known[key] = [_row(s) for s in sites_of(tree)] if tree is not None else []
        return self._known[key]


def read_all(
    project: Project, offers: Sequence[Offer], cache: Path, done: Callable[[int], object] = lambda _: None
) -> dict[str, Path]:
    """Reads releases that `cache` lacks; version -> the file of its sites. Raises WheelError, IndexUnavailable.

    `done(1)` is called after each. What was read before an error stays in `cache`.
    """
    reader, out = SiteReader(project), dict[str, Path]()
    for offer in offers:
        kept = cache / "raising" / project.name / f"{offer.version}-{offer.identity[:16]}-{GENERATION}.json.gz"
        out[offer.version] = kept
        if not is_owned(kept):
            source = offer.open()
            try:
                rows = reader.read(source)
            finally:
                source.close()
            write_owned(kept, gzip.compress(json.dumps(rows).encode(), 5, mtime=0))
        done(1)
    return out


def kept_rows(path: Path) -> Rows:
    """What `read_all` remembered of one release. Raises ValueError for a damaged file, which is removed."""
    try:
        found: JsonObject = json.loads(gzip.decompress(read_owned(path, LARGEST, 1)))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        path.unlink(missing_ok=True)
        raise ValueError(f"{path} was damaged and has been removed; run the command again") from error
    return found


def _row(site: Site) -> list[Any]:
    return [site.line, site.last, site.raised, list(site.message), site.condition, site.function]


def write(project: Project, results: Mapping[str, Path], yanked: Collection[str], folder: Path) -> int:
    """Adds what was read of releases to the project's file; its size in bytes. Raises ValueError."""
    path = folder / f"{project.name}.z"
    old = read(path).table() if path.is_file() else RaisingTable(Releases(project.name, ()))
    versions = tuple(sorted({*old.releases.versions, *results}, key=Version))
    retracted = frozenset(v for v in versions if v in yanked or v in old.releases.yanked)
    table, digests = old.over(Releases(project.name, versions, retracted)), dict[tuple[str | None, ...], str]()
    for version in versions:
        rows = kept_rows(results[version]) if version in results else None
        if rows is not None:
            table.add(version, {m: _places(sites, digests) for m, sites in rows.items() if not APART.search(m)})
    data = table.encode()
    atomic(path, data)
    return len(data)


def _places(
    sites: Sequence[Sequence[Any]], digests: dict[tuple[str | None, ...], str]
) -> Iterator[tuple[str, str, str, int]]:
    """Digest, exception, condition and line of each site whose message has a digest."""
    for line, _, raised, message, test, function in sites:
        key = tuple(message)
        if key not in digests:
            digests[key] = encoded(key)
        if digests[key]:
            yield digests[key], raised, test or f"@{function}", line
