"""Keeps the log from filling the disk, and a full disk from killing the server.

Some space ahead of the log's end is always allocated already, so that the server can go on writing when somebody
else has filled the disk. The log's own size is bounded by giving the middle of the live file back to the file system:
its beginning (versions, arguments) and its end (the crash) stay.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Protocol

from doctor.run.log.logfile import Log
from doctor.run.log.reading import extents
from doctor.run.watch.system_calls import KEEP_SIZE, PUNCH_HOLE, fallocate

MINIMUM = 16 << 20
LARGEST = 32 << 20
HEAD = 1 << 20
PIECE = 8 << 20
STEP = 1 << 20
ENOUGH = 1 << 20
PAGE = 4096
ALIGN = 1 << 16
_FAR = 1 << 40  # where no log ever has data: a question asked there destroys nothing
_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


def supported(fd: int) -> bool:
    """Whether the log's file system can reserve space ahead and give back the middle of a file."""
    try:
        fallocate(fd, KEEP_SIZE, os.fstat(fd).st_size, ALIGN)
    except OSError as e:
        if e.errno in _UNSUPPORTED:
            return False
    return can_punch(fd)


def can_punch(fd: int) -> bool:
    """Whether the middle of a file can be given back to its file system."""
    try:
        fallocate(fd, KEEP_SIZE | PUNCH_HOLE, _FAR, ALIGN)
    except OSError:
        return False
    return True


def free_bytes(fd: int) -> int:
    """Bytes that an ordinary user can still write on the file system of `fd`; very many where it does not tell."""
    try:
        found = os.fstatvfs(fd)
    except (OSError, AttributeError):
        return 1 << 62
    return found.f_bavail * found.f_frsize if found.f_blocks else 1 << 62


class Spare(Protocol):
    """Another place for a part of the log."""

    def keep(self, start: int, end: int) -> bool:
        """Takes these bytes; whether that went."""


class Reserve:
    """The bound and the reserve of one log; `keep()` is called often while the server runs.

    On a full disk the older part moves `elsewhere`, and is given up only where no other place takes it.
    """

    def __init__(self, log: Log, cap: int, elsewhere: Spare | None = None) -> None:
        self.log, self.cap, self.elsewhere = log, cap, elsewhere
        self.head = min(HEAD, cap // 8) // ALIGN * ALIGN
        self.hole_end = self.head
        self.size = self.reserved = 0
        self.disk_full = self.given_up = False

    def keep(self) -> bool:
        """Drops what is over the bound, tops the reserve up; True when the log grew since the last call."""
        size = os.fstat(self.log.fd).st_size
        grown, self.size = size - self.size, size
        self.bound(size)
        want = size + min(LARGEST, max(MINIMUM, 4 * grown))
        if want - MINIMUM // 2 > self.reserved:
            self._top_up(want)
        return grown > 0

    def bound(self, size: int) -> None:
        """Gives the middle back once the log takes three quarters of its bound."""
        if self.cap and size - self.hole_end + self.head > self.cap * 3 // 4:
            self._drop_until(size - self.cap // 2)

    def _move(self) -> bool:
        """Moves at most 8 MiB elsewhere, all but the block that is being written; whether anything moved."""
        if self.elsewhere is None:
            return False
        last = max(0, self.size - 1) // ALIGN * ALIGN
        left = PIECE
        for start, end in extents(self.log.fd, last):
            for at in range(start, min(end // ALIGN * ALIGN, start + left), STEP):
                until = min(at + STEP, end // ALIGN * ALIGN)
                if not self._move_one(self.elsewhere, at, until):
                    return left < PIECE
                left -= until - at
        return left < PIECE

    def _move_one(self, elsewhere: Spare, start: int, end: int) -> bool:
        """Moves a part, and takes at once what it leaves: another writer waits for every free block."""
        if not elsewhere.keep(start, end):
            return False
        fallocate(self.log.fd, KEEP_SIZE | PUNCH_HOLE, start, end - start)
        self._take(end - start)
        self.head = 0 if start < self.head else self.head
        self.hole_end = max(self.hole_end, end)
        return True

    def _take(self, length: int) -> None:
        """Adds what can be had of so many bytes to the reserve."""
        while length >= ALIGN:
            with contextlib.suppress(OSError):
                self._allocate(max(self.reserved, self.size) + length)
                return
            length //= 2

    def _allocate(self, until: int) -> None:
        """Reserves up to this size. Raises OSError.

        Only what is not reserved yet is asked for: tmpfs takes the whole range back where a part of it does not fit.
        """
        start, end = _up(max(self.reserved, self.size), PAGE), _up(until, ALIGN)
        if end > start:
            fallocate(self.log.fd, KEEP_SIZE, start, end - start)
            self.reserved = end

    def give_up_half(self) -> bool:
        """Gives the older half of the log back, the head too where that is all; False when nothing is left to give."""
        size = os.fstat(self.log.fd).st_size
        if size - self.hole_end < 2 * ALIGN and self.head:
            self.head = self.hole_end = 0
        before = self.hole_end
        self._drop_until(self.hole_end + max(ALIGN, (size - self.hole_end) // 2))
        return self.hole_end > before

    @property
    def dropped(self) -> int:
        """Bytes of the log that were given back."""
        return self.hole_end - self.head

    def _top_up(self, until: int) -> None:
        try:
            self._allocate(until)
            self.disk_full = False
        except OSError as e:
            if e.errno in (errno.ENOSPC, errno.EDQUOT):
                self._disk_full()

    def _disk_full(self) -> None:
        """Moves the older part of the log elsewhere; else gives half of it back, as late as possible."""
        self.disk_full = True
        if self._move() or self.reserved - self.size > ENOUGH:
            return
        self.given_up = self.give_up_half() or self.given_up
        self._take(LARGEST)

    def _drop_until(self, end: int) -> None:
        end = end // ALIGN * ALIGN
        if end <= self.hole_end:
            return
        try:
            fallocate(self.log.fd, KEEP_SIZE | PUNCH_HOLE, self.hole_end, end - self.hole_end)
            self.hole_end = end
        except OSError:
            return

    def release(self) -> None:
        """Gives the unused reserve back. Only when no process writes any more: a write in between would be cut off."""
        try:
            os.ftruncate(self.log.fd, os.fstat(self.log.fd).st_size)
        except OSError:
            return


def _up(size: int, step: int) -> int:
    return -(-size // step) * step
