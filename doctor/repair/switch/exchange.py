"""Two Linux calls that Python does not offer: exchange two paths in one step, and write a file system out to disk."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
from typing import Any

from doctor.base.opening import open_any

RENAME_EXCHANGE = 2
_AT_FDCWD = -100
# the number of renameat2 where the C library has no wrapper for it (musl) (the system call tables of Linux)
_NUMBERS = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "ppc64le": 357, "s390x": 347}


@functools.cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def exchange(first: str, second: str) -> None:
    """Makes each path name what the other named, atomically. Raises OSError, with ENOSYS where the call is missing."""
    a, b = os.fsencode(first), os.fsencode(second)
    libc = _libc()
    if hasattr(libc, "renameat2"):
        done = libc.renameat2(_AT_FDCWD, a, _AT_FDCWD, b, ctypes.c_uint(RENAME_EXCHANGE))
    elif number := _NUMBERS.get(platform.machine()):
        wide = ctypes.c_long
        done = libc.syscall(wide(number), wide(_AT_FDCWD), a, wide(_AT_FDCWD), b, wide(RENAME_EXCHANGE))
    else:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), first)
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), first)


def can_exchange(folder: str) -> str | None:
    """Tries it with two folders inside `folder`: None where it works, else the reason. They are gone afterwards."""
    a, b = os.path.join(folder, "test-a"), os.path.join(folder, "test-b")
    os.mkdir(a)
    os.mkdir(b)
    try:
        before = os.stat(a).st_ino
        exchange(a, b)
        return None if os.stat(b).st_ino == before else "the exchange had no effect"
    except OSError as error:
        return error.strerror or str(error)
    finally:
        os.rmdir(a)
        os.rmdir(b)


def sync_file_system(path: str) -> None:
    """syncfs(2) on the file system of `path`, sync(2) where that is missing. Raises OSError where it fails."""
    libc = _libc()
    if not hasattr(libc, "syncfs"):
        os.sync()
        return
    fd = open_any(path)
    try:
        if libc.syncfs(fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
    finally:
        os.close(fd)


def sync_folder(path: str) -> None:
    """fsync of a folder: the names in it are on disk."""
    fd = open_any(path)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
