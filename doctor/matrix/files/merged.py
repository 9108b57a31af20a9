"""A project's file of facts or names: as it is shipped, or with the rows that this user added over it.

Both are joined once: the result is kept in `DATA/merged`, under a name that says what it was made of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from packaging.version import Version

from doctor.base.owned import data_folder, read_owned, write_owned
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.facts_file import FactsFile, FactsTable
from doctor.matrix.files.names_file import LARGEST, NamesError, NamesIndex, NamesTable, compressed, expanded, unpacked
from doctor.matrix.files.own_rows import OwnRow, own_rows
from doctor.matrix.releases import Releases

Kind = Literal["facts", "names"]
MERGED = "merged"


@cache
def text_of(project: str, kind: Kind) -> str | None:
    """The text of a project's file; None for one that has none. Raises NamesError."""
    shipped, own = data_dir() / "wheels" / f"{project}.{kind}.gz", own_rows()
    added, retracted = own.of(project), own.retracted.get(project, ())
    if not added and not retracted:
        return expanded(shipped) if shipped.is_file() else None
    key = sha256(repr((_stamp(shipped), [r.path.name for r in added], retracted)).encode()).hexdigest()[:16]
    kept = data_folder() / MERGED / f"{project}_{key}.{kind}.gz"
    with contextlib.suppress(OSError, NamesError):
        return unpacked(read_owned(kept, LARGEST), kept.name)
    text = joined(shipped, kind, added, retracted)
    if text is not None:
        _keep(kept, text)
    return text


def joined(
    shipped: Path, kind: Kind, added: Iterable[OwnRow], retracted: Iterable[str] = ()
) -> str | None:
    """The shipped file with these releases in it; None where nothing is known. A damaged row is left out."""
    project = shipped.name.rpartition(f".{kind}")[0]
    read = {}
    for one in added:
        with contextlib.suppress(ValueError):
            read[one.version] = one.read()
    found = expanded(shipped) if shipped.is_file() else None
    if kind == "names":
        read = {version: pair for version, pair in read.items() if pair[1] is not None}
    if not read and found is None:
        return None
    old = _table(kind, found, project)
    versions = tuple(sorted({*old.releases.versions, *read}, key=Version))
    yanked = old.releases.yanked | (frozenset(retracted) & frozenset(versions))
    table = old.over(Releases(project, versions, yanked))
    for version, (row, names) in read.items():
        if isinstance(table, FactsTable):
            table.add(version, row)
        else:
            table.add(version, names or {})
    return table.text()


def _table(kind: Kind, text: str | None, project: str) -> FactsTable | NamesTable:
    empty = Releases(project, ())
    if kind == "facts":
        return FactsTable(empty) if text is None else FactsFile(text).table()
    return NamesTable(empty) if text is None else NamesIndex(text).table()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _keep(path: Path, text: str) -> None:
    """Keeps the joined file in place of older ones; without a disk to write to, it is joined again next time."""
    project, _, rest = path.name.partition("_")
    kind = rest.partition(".")[2]
    with contextlib.suppress(OSError):
        write_owned(path, compressed(text, 5))
        for other in path.parent.glob(f"{project}_*.{kind}"):
            if other != path:
                other.unlink(missing_ok=True)
