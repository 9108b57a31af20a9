"""A new folder for a run: private, never one that was there before, in the first place where one can be made."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
import time
from pathlib import Path


class Unusable(ValueError):
    """No run folder can be made where it has to be; the message says why."""


def default_bases() -> list[Path]:
    """Where runs are kept when the user names no place, best first."""
    out = []
    state = os.environ.get("XDG_STATE_HOME")
    if state and Path(state).is_absolute():
        out.append(Path(state) / "qvl-doctor" / "runs")
    with contextlib.suppress(RuntimeError):
        out.append(Path.home() / ".local" / "state" / "qvl-doctor" / "runs")
    return out


def fallback_base() -> Path:
    """The last resort: a folder of this user below the system's folder for temporary files."""
    top = Path("/tmp") if os.name == "posix" else Path(tempfile.gettempdir())
    return top / f"qvl-doctor-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def create(log_dir: str | None) -> tuple[Path, str | None]:
    """A new run folder and a warning, or None. Raises `Unusable` (a named place is never replaced by another)."""
    if log_dir is not None:
        base = Path(log_dir)
        try:
            return _new_run(base), _windows_side(base)
        except OSError as e:
            raise Unusable(f"the log folder `{base}` cannot be used: {e.strerror or e}") from e
    for base in default_bases():
        try:
            return _new_run(base), _of_another(base)
        except OSError:
            continue
    base = fallback_base()
    try:
        _private(base)
        return _new_run(base), f"the default log folder cannot be used, so the log is kept in `{base}`"
    except OSError as e:
        raise Unusable(f"no folder for the log: `{base}` cannot be used: {e.strerror or e}") from e


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


def _private(base: Path) -> None:
    """Makes sure that a folder in a place where everybody writes is ours alone."""
    with contextlib.suppress(FileExistsError):
        base.mkdir(0o700)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder")
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "it belongs to another user")
    base.chmod(0o700)


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
