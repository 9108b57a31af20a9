"""One repair at a time: a lock beside the environment, held by the process and by the resolver that it started."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from doctor.base.new_files import open_lock
from doctor.repair.errors import Locked, worded
from doctor.repair.switch.names import lock_path


@contextmanager
def locked(prefix: str, wait: float = 0.0) -> Iterator[int]:
    """Holds the lock and gives its descriptor; the file is gone afterwards. Raises Refused where another has it."""
    import fcntl

    path = lock_path(prefix)
    end = time.monotonic() + wait
    while True:
        try:
            fd = open_lock(path)
        except OSError as error:
            raise worded(error) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_current(fd, path):
                break
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
            if time.monotonic() >= end:
                os.close(fd)
                raise Locked(f"`{prefix}` is locked by another repair (process {holder or '?'})") from None
            time.sleep(0.05)
        except OSError as error:
            os.close(fd)
            raise worded(error) from None
        os.close(fd)
    try:
        with suppress(OSError):  # the holder's number is a courtesy; a full disk does not stop the lock
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield fd
    finally:
        with suppress(OSError):
            os.unlink(path)
        os.close(fd)


def _is_current(fd: int, path: str) -> bool:
    """Whether the locked file still has its name: the last holder removes it."""
    try:
        there, mine = os.stat(path, follow_symlinks=False), os.fstat(fd)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
