"""The few Linux calls that Python does not offer. On other systems, and where a call is missing, they say so."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
KEEP_SIZE, PUNCH_HOLE = 1, 2
_PIDFD_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, struct pidfd_info) with the structure's first published size, 64 bytes
_PIDFD_INFO_EXIT = 1 << 3


@functools.cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> bool:
    """Makes orphaned descendants ours, so that we learn how they ended. False where the system does not offer it."""
    try:
        return bool(_libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError, TypeError):
        return False


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    """fallocate(2); raises OSError, with EOPNOTSUPP where the C library lacks it."""
    try:
        libc = _libc()
        call = getattr(libc, "fallocate64", None) or libc.fallocate
    except (OSError, AttributeError, TypeError) as e:
        raise OSError(errno.EOPNOTSUPP, "fallocate is not available") from e
    wide = ctypes.c_longlong
    if call(ctypes.c_int(fd), ctypes.c_int(mode), wide(offset), wide(length)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def pidfd_exit_status(pidfd: int) -> int | None:
    """The wait status of a process that somebody else has reaped (Linux 6.15 and later), else None."""
    import fcntl

    request = bytearray(struct.pack("=Q", _PIDFD_INFO_EXIT).ljust(64, b"\0"))
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, request)
    except OSError:
        return None
    mask = struct.unpack_from("=Q", request)[0]
    status: int = struct.unpack_from("=i", request, 60)[0]
    return status if mask & _PIDFD_INFO_EXIT else None
