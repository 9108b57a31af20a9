"""A log that takes everything, also on a full or failing disk: what a holder process writes into."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque

from doctor.base.new_files import create_private
from doctor.run.log import reserve
from doctor.run.log.elsewhere import Elsewhere
from doctor.run.log.logfile import Log

RING = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Sink:
    """A log that accepts everything. Out of space it continues elsewhere, or gives up its older half; where it can do
    neither, it keeps the last 1 MiB in memory and writes that into a second part when the end has come."""

    def __init__(self, log: Log, cap: int) -> None:
        self.log, self.cap = log, cap
        self._elsewhere = Elsewhere(log, cap)
        self._reserve = reserve.Reserve(log, cap)
        self._next = -1  # where the log continues elsewhere, once it does
        self._punches = reserve.can_punch(log.fd)
        self._ring: deque[bytes] = deque()
        self._kept = 0

    def write(self, block: bytes) -> None:
        """Writes or keeps; never raises for a full or failing disk."""
        if self._ring or self._next >= 0:
            self._go_on(block)
            return
        view = memoryview(block)
        for _ in range(40):
            try:
                self._bound()
                view = view[os.write(self.log.fd, view) :]
            except OSError as e:
                if e.errno in _FULL and not self._at_bound() and self._go_on_elsewhere(bytes(view)):
                    return
                if not (self._punches and e.errno in _FULL and self._reserve.give_up_half()):
                    break
            if not view:
                return
        if self._punches:
            return  # not even the older half helped: these bytes are lost, the next may fit
        self._remember(bytes(view))

    def _go_on(self, block: bytes) -> None:
        """Keeps what comes after the end of the log."""
        if self._ring or not self._go_on_elsewhere(block):
            self._remember(block)

    def _go_on_elsewhere(self, block: bytes) -> bool:
        """Writes on in another place; whether that went."""
        at = self._next if self._next >= 0 else os.fstat(self.log.fd).st_size
        if not self._elsewhere.put(block, at):
            return False
        self._next = at + len(block)
        return True

    def _bound(self) -> None:
        size = os.fstat(self.log.fd).st_size
        if self._punches:
            self._reserve.bound(size)
        elif self._at_bound():
            raise OSError(errno.ENOSPC, "the size limit of the log is reached")

    def _at_bound(self) -> bool:
        """Whether the log has its greatest size, and its middle cannot be given back."""
        return not self._punches and bool(self.cap) and os.fstat(self.log.fd).st_size > self.cap

    def _remember(self, block: bytes) -> None:
        self._ring.append(block)
        self._kept += len(block)
        while self._kept - len(self._ring[0]) > RING:
            self._kept -= len(self._ring.popleft())

    def close(self) -> None:
        """Writes what was kept in memory as the log's second part, in place of the end of the first where need be."""
        if not self._ring:
            return
        data = b"".join(self._ring)
        part = self.log.path.with_name(f"{self.log.path.stem}.tail.log")
        with contextlib.suppress(OSError):
            fd = create_private(part, append=True)
            done = 0
            while done < len(data):
                try:
                    done += os.write(fd, data[done:])
                except OSError as e:
                    size = os.fstat(self.log.fd).st_size
                    if e.errno not in _FULL or size < RING // 4:
                        raise
                    os.ftruncate(self.log.fd, max(0, size - RING))
