"""A new folder for a run: private, never one that was there before, in the first place where one can be made."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from doctor.base.owned import state_folders


class Unusable(ValueError):
    """No run folder can be made where it has to be; the message says why."""


def default_bases() -> list[Path]:
    """Where runs are kept when the user names no place, best first."""
    return [folder / "qvl-doctor" / "runs" for folder in state_folders()]


def fallback_bases() -> list[Path]:
    """The last resorts: a folder of this user below each folder for temporary files; `/dev/shm` is memory."""
    tops = ["/tmp", "/var/tmp", "/dev/shm"] if os.name == "posix" else [tempfile.gettempdir()]
    return [Path(top) / f"qvl-doctor-{os.getuid() if hasattr(os, 'getuid') else 'user'}" for top in tops]


def all_bases() -> list[Path]:
    """Wherever a run may be kept that the user named no place for."""
    return [*default_bases(), *fallback_bases()]


def create(base: Path) -> tuple[Path, str | None]:
    """A new run folder where the user wants it, and a warning, or None. Raises OSError."""
    return _new_run(base), _windows_side(base)


def create_somewhere(why_not: str) -> Iterator[tuple[Path, str | None]]:
    """New run folders where nobody named a place, each in the next place where one can be made, with what to say.

    `why_not` is what is said of the default places where only the last resorts are left; the caller takes the first
    folder that can be written to.
    """
    for base in default_bases():
        with contextlib.suppress(OSError):
            yield _new_run(base), _of_another(base)
    for base in fallback_bases():
        with contextlib.suppress(OSError):
            private(base)
            yield _new_run(base), f"{why_not}, so the log is kept in `{base}`"


def _new_run(base: Path) -> Path:
    _make_all(base)
    stem = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{os.getpid()}"
    for number in range(100):
        folder = base / (stem if not number else f"{stem}-{number}")
        try:
            folder.mkdir(0o700)
        except FileExistsError:
            continue
        folder.chmod(0o700)
        return folder.absolute()
    raise FileExistsError(errno.EEXIST, "too many runs of this name")


def _make_all(base: Path) -> None:
    """Makes the missing parents one by one, private and usable whatever the umask is."""
    missing = []
    at = base
    while not at.exists() and at != at.parent:
        missing.append(at)
        at = at.parent
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)
            folder.chmod(0o700)
    if not base.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a folder")


def private(base: Path) -> None:
    """Makes sure that a folder in a place where everybody writes is ours alone. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        base.mkdir(0o700)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder")
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "it belongs to another user")
    base.chmod(0o700)


def private_folder(base: Path, name: str) -> Path:
    """A folder of that name in one of our places, made where it is missing and ours alone. Raises OSError."""
    _make_all(base)
    if base in fallback_bases():
        private(base)
    private(base / name)
    return base / name


def _of_another(base: Path) -> str | None:
    """A warning where others can read, change or remove what is kept there."""
    found = base.stat()
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return f"the log folder `{base}` belongs to another user (uid {found.st_uid})"
    if os.name == "posix" and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"the log folder `{base}` can be changed by other users"
    return None


def _windows_side(base: Path) -> str | None:
    real = str(base.absolute())
    if sys.platform == "linux" and real.startswith("/mnt/") and "WSL_DISTRO_NAME" in os.environ:
        return f"`{base}` is on a Windows drive, where logs are slow and unbounded; use a folder in your home"
    return None
