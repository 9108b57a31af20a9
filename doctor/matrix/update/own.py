"""`matrix update`: new releases read into this user's data folder, one file each, so that it can stop at any moment."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from pathlib import Path

from doctor.base.new_files import open_lock
from doctor.base.owned import make_private, write_owned
from doctor.base.record import dataclass
from doctor.matrix.extract.errors import LayoutError
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.extract.release import Reader
from doctor.matrix.files import own_rows as kept
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.facts_file import FactsFile
from doctor.matrix.files.merged import MERGED
from doctor.matrix.files.row import GENERATION
from doctor.matrix.newer import is_newer
from doctor.matrix.releases import Releases
from doctor.matrix.update.build import Offer
from doctor.remote.errors import IndexUnavailable, WheelError

LOCK = "update.lock"
ABANDONED = 3600.0  # seconds after which a file that a reader began is nobody's any more


class Busy(OSError):
    """Another update has the folder."""


@dataclass(frozen=True, slots=True)
class New:
    """A release to be read."""

    project: Project
    offer: Offer

    @property
    def shown(self) -> str:
        """`transformers 5.25.0`."""
        return f"{self.project.name} {self.offer.version}"


@dataclass
class Outcome:
    """What became of the releases: those added, and those that could not be read, each with the reason."""

    added: list[New] = field(default_factory=list)
    failed: list[tuple[New, str]] = field(default_factory=list)


def shipped(project: Project) -> Releases:
    """The releases of a project that the installed doctor itself has. Raises NamesError."""
    path = data_dir() / "wheels" / f"{project.name}.facts.gz"
    return FactsFile.read(path).releases if path.is_file() else Releases(project.name, ())


def missing(project: Project, offers: Iterable[Offer], own: kept.OwnRows, version: str | None = None) -> list[New]:
    """The offers that are new, the newest first; with `version` that one, whether new or not, unless it is here."""
    known = shipped(project)
    have = {(row.version, row.digest) for row in own.of(project.name)}
    out = []
    for offer in offers:
        name = kept.file_name(project.name, offer.version, offer.identity)
        here = any(v == offer.version and f"_{digest}_" in name for v, digest in have)
        if not here and (offer.version == version if version else is_newer(offer.version, known)):
            out.append(New(project, offer))
    return out[::-1]


def retracted(project: Project, offers: Iterable[Offer]) -> list[str]:
    """The releases that the index marks as yanked and the installed doctor does not."""
    known = shipped(project).yanked
    return sorted(offer.version for offer in offers if offer.yanked and offer.version not in known)


def add_all(wanted: Sequence[New], folder: Path, done: Callable[[New, str | None], object]) -> Outcome:
    """Reads releases into `folder`, each written whole at once; what fails does not stop the others.

    `done(one, problem)` is called after each. Two failures of the index in a row end it with the second's error.
    """
    out, readers, silent = Outcome(), dict[str, Reader](), 0
    for one in wanted:
        try:
            data = _content(one, readers.setdefault(one.project.name, Reader(one.project)))
            name = kept.file_name(one.project.name, one.offer.version, one.offer.identity)
            write_owned(folder / kept.ROWS / name, data)
        except (LayoutError, WheelError, IndexUnavailable, ValueError) as error:
            silent = silent + 1 if isinstance(error, IndexUnavailable) else 0
            if silent > 1:
                raise
            out.failed.append((one, str(error)))
            done(one, str(error))
            continue
        silent = 0
        out.added.append(one)
        done(one, None)
    return out


def _content(one: New, reader: Reader) -> bytes:
    if one.offer.ready is not None:
        data = one.offer.ready()
        row, _ = kept.decoded(data)
        stated = str(row.get("wheel", {}).get("sha256")), row.get("meta", {}).get("version")
        if not stated[0].startswith(one.offer.identity) or stated[1] != one.offer.version:
            raise WheelError(f"{one.offer.filename} is not the row of the wheel that its name states")
        return data
    source = one.offer.open()
    try:
        row, names = reader.read(source, one.offer.version)
    finally:
        source.close()
    return kept.encoded({**row, "tags": dict.fromkeys(one.offer.tags, True)}, names)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Makes the folder and holds its lock. Raises Busy where another update has it, or another OSError."""
    make_private(str(folder.absolute() / kept.ROWS), 2)
    handle = open_lock(folder / LOCK)
    try:
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows: each file is written whole all the same
            pass
        except BlockingIOError:
            raise Busy("another `qvl-doctor matrix update` is running") from None
        yield
    finally:
        os.close(handle)


def tidy(folder: Path) -> None:
    """Removes what a killed update left, and rows that the installed doctor has itself. Only for whoever is `alone`."""
    with contextlib.suppress(OSError):
        for path in (folder / kept.ROWS).iterdir():
            if path.name.startswith(".new-") or _superseded(path):
                path.unlink(missing_ok=True)
        for path in (folder / MERGED).glob(".new-*"):
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink(missing_ok=True)


def _superseded(path: Path) -> bool:
    """Whether a row is of another generation, or the shipped data has the same wheel's."""
    parts = path.name.removesuffix(".json.gz").split("_")
    if len(parts) != 4 or path.name == kept.RETRACTED:
        return False
    project, version, digest, generation = parts
    if generation != str(GENERATION):
        return True
    file = data_dir() / "wheels" / f"{project}.facts.gz"
    row = FactsFile.read(file).row(version, ("wheel",)) if file.is_file() else None
    return str((row or {}).get("wheel", {}).get("sha256") or "").startswith(digest)
