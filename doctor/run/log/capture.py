"""The logs of one run while it runs: who writes them, their bound and reserve, and what the user sees of them."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable

from doctor.base.terminals import encoded
from doctor.run.log.logfile import Log
from doctor.run.log.pump import Pump, advisable
from doctor.run.log.reserve import Reserve
from doctor.run.log.tail import Tail


class LogCapture:
    """Keeps `logs` below `cap` bytes in all. `warn` is told, once, what the user should know."""

    def __init__(self, logs: list[Log], cap: int, warn: Callable[[str], None]) -> None:
        self.logs, self.cap, self._warn = logs, cap // len(logs), warn
        self.tails = _tails(logs, self.cap)
        self.pumps: list[Pump] = []
        self.reserves: list[Reserve] = []
        self.full = False

    def open(self) -> list[int]:
        """The descriptors for the server to write to; starts the holders where there have to be some."""
        if why := next((w for w in map(advisable, self.logs) if w), None):
            self._warn(f"{why}: the output goes through a helper process, and its middle may be dropped")
            self.pumps = [Pump.start(log, self.cap) for log in self.logs]
            return [pump.write_end for pump in self.pumps]
        self.reserves = [Reserve(tail.log, self.cap, tail.elsewhere) for tail in self.tails]
        self.keep()
        return [log.fd for log in self.logs]

    def written(self) -> int:
        """How many bytes the server's logs hold by now."""
        return sum(os.fstat(log.fd).st_size for log in self.logs)

    def show(self) -> None:
        """From here on there are threads: the server has been started."""
        for pump in self.pumps:
            pump.started()
        for tail in self.tails:
            tail.start()

    def keep(self) -> bool:
        """Bounds and reserves; True when a log grew."""
        growing = False
        for reserve in self.reserves:
            with contextlib.suppress(OSError):
                growing = reserve.keep() or growing
        self.full = any(r.disk_full for r in self.reserves)
        if self.full:
            self._say_where_it_went()
        return growing

    def _say_where_it_went(self) -> None:
        places = [path.parent for tail in self.tails if (path := tail.elsewhere.path)]
        if places:
            self._warn(f"the disk of the log is full: its older part is kept in `{places[0]}` for the time being")
        if any(r.given_up for r in self.reserves):
            self._warn("the disk of the log is full; the older part was dropped so that the server can continue")

    def settle(self) -> None:
        """Brings the parts of the logs together, once nobody writes any more."""
        for tail in self.tails:
            if (path := tail.elsewhere.settle()) is not None:
                self._warn(f"the disk of the log is full, so `{tail.log.path.name}` is kept in `{path.parent}`")

    def hold_on(self, ours: set[int], gone: dict[int, int]) -> None:
        """A holder that somebody killed gets a successor; the pipe kept what came meanwhile."""
        for pump in self.pumps:
            if gone.get(pump.pid):  # one that ended by itself, with 0, saw the last writer go
                pump.hold()
                ours.add(pump.pid)
                self._warn("the helper process that writes the log was killed and restarted")

    def drain(self, reap: Callable[[], None], gone: dict[int, int], writers: bool) -> None:
        """Waits until what is in the pipes is on disk, two seconds at most."""
        until = time.monotonic() + 2
        while time.monotonic() < until and self.pumps:
            reap()
            ended = all(p.pid in gone for p in self.pumps)
            if ended or (writers and not any(p.waiting() for p in self.pumps)):
                return
            time.sleep(0.01)

    def release(self) -> None:
        """Gives unused space back, once nobody writes any more."""
        for reserve in self.reserves:
            reserve.release()

    def say(self, line: str) -> None:
        """One line of doctor's own, on stderr."""
        self.tails[-1].say(line)

    def leave(self, where: str | None) -> None:
        """Shows what is left, as far as somebody reads it; `where` the log is kept, if it is."""
        missed = sum(tail.finish() for tail in self.tails)
        if missed and not all(tail.broken for tail in self.tails):
            _say_if_possible(f"qvl-doctor: {missed} bytes not shown{f'; see {where}' if where else ''}\n")


def _tails(logs: list[Log], cap: int) -> list[Tail]:
    """One thread a log; doctor's own lines go to stderr with the last."""
    if len(logs) == 1:
        return [Tail(logs[0], 1, cap, messages_to=2)]
    return [Tail(logs[0], 1, cap), Tail(logs[1], 2, cap, messages_to=2)]


def _say_if_possible(text: str) -> None:
    """Writes to stderr only if that cannot block: a frozen terminal must not keep us at the very end."""
    with contextlib.suppress(OSError):
        if select.select([], [2], [], 0)[1]:
            os.write(2, encoded(text))
