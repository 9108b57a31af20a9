"""Adds releases to the data: reads them, remembers each at once, and writes a project's files in one step.

Every release that was read lies in the user's cache before the next one is begun, so that a run that was killed
goes on where it stopped; the files in `matrices/wheels` are replaced whole (written beside, synced, renamed).
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from packaging.version import Version

from doctor.base.owned import is_owned, read_owned, write_owned
from doctor.base.record import dataclass
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.extract.release import Reader, Table
from doctor.matrix.files.facts_file import FactsFile, FactsTable
from doctor.matrix.files.names_file import NamesIndex, NamesTable
from doctor.matrix.files.row import GENERATION, Row
from doctor.matrix.releases import Releases
from doctor.remote.source import WheelSource

LARGEST = 64 << 20  # bytes of one remembered release


@dataclass(frozen=True, slots=True)
class Offer:
    """A release to be added. `identity` names its content (the wheel's sha256); `open` gives its files.

    `tags` are those of all wheels of the release, not only of the one that is read. `size` is that one's, in bytes.
    `ready` gives what another machine read of it, as a file of its data folder.
    """

    version: str
    yanked: bool
    identity: str
    open: Callable[[], WheelSource]
    tags: tuple[str, ...] = ()
    filename: str = ""
    size: int | None = None
    ready: Callable[[], bytes] | None = None


def add(
    project: Project, offers: Iterable[Offer], folder: Path, cache: Path, done: Callable[[int], object] = lambda _: None
) -> int:
    """Adds or renews releases of `project` in `folder`; how many were read. Raises LayoutError, WheelError.

    `done(1)` is called after each. What was read before an error stays in `cache`.
    """
    reader, results, offers = Reader(project), dict[str, Path](), list(offers)
    for offer in offers:
        kept = cache / project.name / f"{offer.version}-{offer.identity[:16]}-{GENERATION}.json.gz"
        results[offer.version] = kept
        if not is_owned(kept):
            source = offer.open()
            try:
                row, names = reader.read(source, offer.version)
            finally:
                source.close()
            _keep(kept, row, names)
        done(1)
    write(project, offers, results, folder)
    return len(results)


def write(project: Project, offers: list[Offer], results: dict[str, Path], folder: Path) -> None:
    """Merges results into the project's files and replaces them."""
    yanked = {o.version: o.yanked for o in offers}
    tags = {o.version: o.tags for o in offers}
    facts_path, names_path = folder / f"{project.name}.facts.gz", folder / f"{project.name}.names.gz"
    facts = FactsFile.read(facts_path).table() if facts_path.is_file() else FactsTable(Releases(project.name, ()))
    names = NamesIndex.read(names_path).table() if names_path.is_file() else NamesTable(Releases(project.name, ()))
    facts = facts.over(_joined(facts.releases, yanked))
    names = names.over(_joined(names.releases, yanked))
    for version, path in results.items():
        row, table = _kept(path)
        facts.add(version, {**row, "tags": dict.fromkeys(tags[version], True)})
        names.add(version, table or {})
    atomic(facts_path, facts.encode())
    if project.names:
        atomic(names_path, names.encode())


def atomic(path: Path, data: bytes) -> None:
    """Replaces `path` by `data` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def cache_dir() -> Path:
    """Where results are remembered: `QVL_DOCTOR_CACHE`, else the user's cache folder."""
    if named := os.environ.get("QVL_DOCTOR_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qvl-doctor" / "matrix"


def _joined(old: Releases, yanked: dict[str, bool]) -> Releases:
    versions = tuple(sorted({*old.versions, *yanked}, key=Version))
    return Releases(old.project, versions, frozenset(v for v in versions if yanked.get(v, v in old.yanked)))


def _keep(path: Path, row: Row, names: Table | None) -> None:
    table = None if names is None else {m: sorted(n) for m, n in sorted(names.items())}
    write_owned(path, gzip.compress(json.dumps({"row": row, "names": table}).encode(), 5, mtime=0))


def _kept(path: Path) -> tuple[Row, dict[str, list[str]] | None]:
    try:
        data = json.loads(gzip.decompress(read_owned(path, LARGEST, 1)))
        return data["row"], data["names"]
    except (OSError, EOFError, zlib.error, ValueError, KeyError) as error:
        path.unlink(missing_ok=True)
        raise ValueError(f"{path} was damaged and has been removed; run the command again") from error
