"""Files opened for writing, each by what it is for: new and private, appended to, replaced, locked."""

from __future__ import annotations

import errno
import os

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def create_private(path: str | os.PathLike[str], *, append: bool = False) -> int:
    """A new file, mode 0600 whatever the umask. Raises OSError, also where anything is there already.

    `append`: every write goes to the end, also after the file was cut.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY
    handle = os.open(path, flags | os.O_APPEND if append else flags, 0o600)
    if hasattr(os, "fchmod"):
        os.fchmod(handle, 0o600)
    return handle


def open_append(path: str | os.PathLike[str]) -> int:
    """A file that is there, for writing at its end. Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | _BINARY)


def create_or_empty(path: str | os.PathLike[str], mode: int) -> int:
    """A new file of that mode (less the umask), or the one that is there, emptied. Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, mode)


def open_output(path: str | os.PathLike[str]) -> int:
    """Where an answer goes: a file, emptied, or a device; a pipe only where somebody reads from it. Raises OSError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_WAIT | _BINARY, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads from it", os.fspath(path)) from None
        raise
    if _NO_WAIT:
        os.set_blocking(handle, True)
    return handle


def open_lock(path: str | os.PathLike[str]) -> int:
    """A file to lock, made where it is missing, mode 0600. Raises OSError, also for a symbolic link."""
    return os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK | _BINARY, 0o600)
