"""The rows that this user added with `matrix update`: one file a release, in a folder that only the user writes.

    DATA/rows/PROJECT_VERSION_DIGEST_GENERATION.json.gz   {"row": ..., "names": ... or null} of the wheel of that digest
    DATA/rows/retracted.json                              {PROJECT: [releases that the index marks as yanked]}

A file is there whole or not at all, and what it holds follows from its name: an update that was killed left the
releases that it had read, and the names of the files say which data this is.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterable
from dataclasses import field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from doctor.base.late import late_pattern
from doctor.base.owned import data_folder, owned_folders, read_owned, write_owned
from doctor.base.record import dataclass
from doctor.matrix.files.row import GENERATION, Row

ROWS, RETRACTED = "rows", "retracted.json"
LARGEST = 64 << 20  # bytes of one release, packed or unpacked
MOST = 20_000
_NAME = late_pattern(r"([a-z0-9][a-z0-9-]{0,60})_([\w.!+]{1,60})_([0-9a-f]{16})_(\d{1,6})\.json\.gz", re.ASCII)
_KIND, _BREAK = late_pattern(r"[\w.-]{1,100}"), late_pattern(r"[\s|]")
Names = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class OwnRow:
    """One release that was added; `path` holds what was read of the wheel whose sha256 begins with `digest`."""

    project: str
    version: str
    digest: str
    path: Path

    def read(self) -> tuple[Row, Names | None]:
        """Its facts and its names (None where the project's are not kept). Raises ValueError for a damaged file."""
        try:
            return decoded(read_owned(self.path, LARGEST))
        except OSError as error:
            raise ValueError(f"{self.path.name}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class OwnRows:
    """All of them, by project. `problem` says in one sentence why a folder that is there is not read."""

    rows: dict[str, tuple[OwnRow, ...]] = field(default_factory=dict)
    retracted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str | None = None

    def of(self, project: str) -> tuple[OwnRow, ...]:
        """Those of one project, the oldest release first."""
        return self.rows.get(project, ())

    def version(self) -> str:
        """Eight digits that change with what was added; empty where nothing was."""
        names = [row.path.name for mine in self.rows.values() for row in mine]
        if not names and not self.retracted:
            return ""
        whole = json.dumps([sorted(names), self.retracted], sort_keys=True)
        return sha256(whole.encode()).hexdigest()[:8]


@cache
def own_rows() -> OwnRows:
    """What this user added and this doctor can use, read once."""
    try:
        return read_rows(data_folder())
    except RuntimeError:  # no home folder
        return OwnRows()


def read_rows(folder: Path) -> OwnRows:
    """What the data folder `folder` holds, if nobody else can have written it."""
    place = folder / ROWS
    try:
        with os.scandir(place) as found:
            names = [entry.name for _, entry in zip(range(MOST), found, strict=False)]
        if not owned_folders(place / RETRACTED, 2):
            return OwnRows(problem=f"`{place}` is not read: it belongs to another user, or others can write to it")
    except FileNotFoundError:
        return OwnRows()
    except OSError as error:
        return OwnRows(problem=f"`{place}` is not read: {error.strerror or error}")
    rows: dict[str, dict[str, OwnRow]] = {}
    for name in sorted(names):
        if row := row_of(place / name):
            rows.setdefault(row.project, {})[row.version] = row
    ordered = {p: tuple(sorted(mine.values(), key=lambda r: Version(r.version))) for p, mine in sorted(rows.items())}
    return OwnRows(ordered, _retracted(place / RETRACTED) if RETRACTED in names else {})


def file_name(project: str, version: str, identity: str) -> str:
    """The name of a release's file; `identity` is the sha256 of its wheel, in hexadecimal digits, or other text."""
    digest = identity if re.fullmatch(r"[0-9a-f]{16,64}", identity) else sha256(identity.encode()).hexdigest()
    return f"{project}_{version}_{digest[:16]}_{GENERATION}.json.gz"


def encoded(row: Row, names: dict[str, frozenset[str]] | None) -> bytes:
    """The content of a release's file; the same content always gives the same bytes."""
    table = None if names is None else {m: sorted(n) for m, n in sorted(names.items())}
    import gzip

    return gzip.compress(json.dumps({"row": row, "names": table}).encode(), 5, mtime=0)


def decoded(data: bytes) -> tuple[Row, Names | None]:
    """What `encoded` wrote. Raises ValueError for anything else, or for more than `LARGEST` bytes of it."""
    try:
        expand = zlib.decompressobj(31)
        text = expand.decompress(data, LARGEST)
        if not expand.eof or expand.unconsumed_tail:
            raise ValueError("too large, or cut off")
        found: Any = json.loads(text)
        row, names = found["row"], found["names"]
    except (zlib.error, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a release's row: {error}") from error
    if not (isinstance(row, dict) and all(_KIND.fullmatch(k) and isinstance(f, dict) for k, f in row.items())):
        raise ValueError("not a release's row")
    if names is not None and not (isinstance(names, dict) and all(map(_is_names, names.items()))):
        raise ValueError("not a release's names")
    return row, names


def _is_names(pair: tuple[str, Any]) -> bool:
    """Whether these are a module and its names, none of which could be taken for another line of the file."""
    module, names = pair
    return isinstance(names, list) and not any(not isinstance(n, str) or _BREAK.search(n) for n in (module, *names))


def keep_retracted(folder: Path, retracted: dict[str, Iterable[str]]) -> None:
    """Writes which releases the index marks as yanked. Raises OSError."""
    data = {project: sorted(versions) for project, versions in sorted(retracted.items())}
    write_owned(folder / ROWS / RETRACTED, json.dumps(data).encode())


def row_of(path: Path) -> OwnRow | None:
    """The release that a file's name states; None for another generation's, and for what is none."""
    found = _NAME.fullmatch(path.name)
    if found is None or int(found[4]) != GENERATION:
        return None
    try:
        return OwnRow(found[1], str(Version(found[2])), found[3], path)
    except InvalidVersion:
        return None


def _retracted(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        found = json.loads(read_owned(path, 1 << 20))
        return {str(project): tuple(map(str, versions)) for project, versions in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
