"""What came from the hub, kept by its content: files by the digest that the hub lists, code as a folder by its own.

No name that the hub sent is part of a path here but those of Python files, which were checked; the cache is bounded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from doctor.base.owned import make_private, owned_folders, read_owned, write_owned
from doctor.collect import cache
from doctor.collect.model.hub.listing import Digest, safe

MOST_BYTES = 256 << 20
MOST_BLOBS = 4000
MOST_TREES = 40
_FOLDERS = 3  # of the cache: its own, `hub`, and the one below


def blob(digest: Digest, limit: int) -> bytes | None:
    """The content of that digest, if it is here and still gives it."""
    try:
        data = read_owned(_blob(digest), limit + 1, _FOLDERS)
    except (OSError, RuntimeError):
        return None
    return data if digest.fits(data) else None


def keep(digest: Digest, data: bytes) -> None:
    """Keeps what the digest fits. A full or read-only disk is no error."""
    with contextlib.suppress(OSError, RuntimeError):
        write_owned(_blob(digest), data, _FOLDERS)


def lay_out(files: Mapping[str, bytes]) -> str | None:
    """A folder with these Python files and nothing else, for the linker; None where there is no place for it."""
    whole = hashlib.sha256()
    for name, data in sorted(files.items()):
        whole.update(f"{name}\0{len(data)}\0".encode() + data)
    try:
        folder = _place("code") / whole.hexdigest()
        if not _same(folder, files):
            _write(folder, files)
        return str(folder)
    except (OSError, RuntimeError):
        return None


def prune() -> None:
    """Removes the oldest where there is more than the cache may hold."""
    with contextlib.suppress(OSError, RuntimeError):
        left, count = MOST_BYTES, MOST_BLOBS
        for path, status in _newest_first(_place("blobs")):
            left, count = left - status.st_size, count - 1
            if left < 0 or count < 0:
                path.unlink(missing_ok=True)
        for path, _ in _newest_first(_place("code"))[MOST_TREES:]:
            shutil.rmtree(path, ignore_errors=True)


def _newest_first(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found = [(path, path.lstat()) for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(found, key=lambda pair: pair[1].st_mtime, reverse=True)


def _blob(digest: Digest) -> Path:
    return _place("blobs") / f"{digest.kind}-{digest.value}"


def _place(kind: str) -> Path:
    """Raises RuntimeError where there is no home folder."""
    return cache.folder() / "hub" / kind


def _same(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the folder holds exactly these files, and nobody else can change them."""
    try:
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
        return (
            names == set(files)
            and owned_folders(folder / "x", _FOLDERS + 1)
            and all(read_owned(folder / name, len(data) + 1, 1) == data for name, data in files.items())
        )
    except OSError:
        return False


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    make_private(str(folder.parent), _FOLDERS)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    try:
        for name, data in files.items():
            if safe(name):
                write_owned(made / name, data, name.count("/") + 1)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
