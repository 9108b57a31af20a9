"""A log that takes everything, also on a full or failing disk: what a holder process writes into."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque

from doctor.base.new_files import create_private
from doctor.run.log import reserve
from doctor.run.log.logfile import Log

RING = 1 << 20


class Sink:
    """A log that accepts everything. Out of space it gives up its older half; where it cannot, it keeps the last 1 MiB
    in memory and writes that into a second part when the end has come."""

    def __init__(self, log: Log, cap: int) -> None:
        self.log, self.cap = log, cap
        self._reserve = reserve.Reserve(log, cap)
        self._punches = reserve.can_punch(log.fd)
        self._ring: deque[bytes] = deque()
        self._kept = 0

    def write(self, block: bytes) -> None:
        """Writes or keeps; never raises for a full or failing disk."""
        if self._ring:
            self._remember(block)
            return
        view = memoryview(block)
        for _ in range(40):
            try:
                self._bound()
                view = view[os.write(self.log.fd, view) :]
            except OSError as e:
                if not (self._punches and e.errno in (errno.ENOSPC, errno.EDQUOT) and self._reserve.give_up_half()):
                    break
            if not view:
                return
        if self._punches:
            return  # not even the older half helped: these bytes are lost, the next may fit
        self._remember(bytes(view))

    def _bound(self) -> None:
        size = os.fstat(self.log.fd).st_size
        if self._punches:
            self._reserve.bound(size)
        elif self.cap and size > self.cap:
            raise OSError(errno.ENOSPC, "the size limit of the log is reached")

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
                    if e.errno != errno.ENOSPC or size < RING // 4:
                        raise
                    os.ftruncate(self.log.fd, max(0, size - RING))
