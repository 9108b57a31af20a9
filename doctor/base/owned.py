"""Files of our own between two runs: read only where nobody else can have written them, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path

from doctor.base.opening import open_regular, read_up_to


class NotOurs(OSError):
    """Somebody else can have written this file, or put it there."""


def own_home() -> Path:
    """This user's home folder. Raises RuntimeError where there is none, or where it is another's, as under `sudo`.

    What root makes there, the other user's programs cannot write to afterwards.
    """
    home = Path.home()
    try:
        owner = home.stat().st_uid
    except OSError:
        return home
    if hasattr(os, "geteuid") and owner != os.geteuid():
        raise RuntimeError(f"{home} belongs to another user")
    return home


def state_folders() -> list[Path]:
    """Where this user's programs keep what is not to be lost, best first: `$XDG_STATE_HOME`, `~/.local/state`."""
    state = os.environ.get("XDG_STATE_HOME")
    out = [Path(state)] if state and Path(state).is_absolute() else []
    with contextlib.suppress(RuntimeError):
        out.append(own_home() / ".local" / "state")
    return out


def data_folder() -> Path:
    """Where this user's own data of doctor lies, made or not: `QVL_DOCTOR_DATA`, else `$XDG_DATA_HOME/qvl-doctor`.

    Without these `~/.local/share`, on Windows `%LOCALAPPDATA%`. Raises RuntimeError where there is no home folder, or
    where it is another user's.
    """
    if (own := os.environ.get("QVL_DOCTOR_DATA")) and Path(own).is_absolute():
        return Path(own)
    named = os.environ.get("XDG_DATA_HOME") or (os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None)
    base = Path(named) if named and Path(named).is_absolute() else own_home() / ".local" / "share"
    return base / "qvl-doctor"


def read_owned(path: str | os.PathLike[str], limit: int, folders: int = 2) -> bytes:
    """At most `limit` bytes of a file that only this user can have written. Raises NotOurs or another OSError.

    The file itself may be no link; it and the `folders` above it belong to this user and are closed to others.
    """
    handle, status = open_regular(path, follow=False)
    try:
        if not (_private(status) and owned_folders(path, folders)):
            raise NotOurs(f"{os.fspath(path)} can be written by others")
        return read_up_to(handle, limit)
    finally:
        os.close(handle)


def is_owned(path: str | os.PathLike[str], folders: int = 1) -> bool:
    """Whether a regular file is there that only this user can have written."""
    try:
        read_owned(path, 0, folders)
    except OSError:
        return False
    return True


def owned_folders(path: str | os.PathLike[str], count: int) -> bool:
    """Whether the `count` folders above `path` belong to this user and are closed to others."""
    at = os.path.abspath(path)
    for _ in range(count):
        at = os.path.dirname(at)
        if not _private(os.stat(at)):
            return False
    return True


def write_owned(path: str | os.PathLike[str], data: bytes, folders: int = 2) -> None:
    """Replaces a file by `data` whole or not at all, mode 0600, its `folders` made for this user alone. OSError."""
    import tempfile

    folder = os.path.dirname(os.path.abspath(path))
    if folders:
        make_private(folder, folders)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as stream:
            if hasattr(os, "fchmod"):
                os.fchmod(handle, 0o600)
            stream.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def make_private(folder: str, count: int) -> None:
    """A folder and those above it, `count` in all, closed to others whatever the umask is. Raises OSError."""
    if count > 1:
        make_private(os.path.dirname(folder), count - 1)
    else:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
    new = not os.path.isdir(folder)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    status = os.stat(folder)
    if new or (hasattr(os, "getuid") and status.st_uid == os.getuid() and open_to_others(status.st_mode)):
        os.chmod(folder, 0o700)


def open_to_others(mode: int) -> bool:
    """Whether others may put files in the place of ours; a sticky folder keeps ours."""
    kept = stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)
    return bool(mode & (stat.S_IWGRP | stat.S_IWOTH)) and not kept


def _private(status: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not open_to_others(status.st_mode))
