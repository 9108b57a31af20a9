"""One process that is watched, and signals to it that can never hit another one of the same number."""

from __future__ import annotations

import os
from collections.abc import Iterable

from doctor.base.record import dataclass
from doctor.run.watch.proc import read_stat


@dataclass(slots=True)
class Process:
    """Times are seconds after the launch; `status` is a wait status, None while unknown; `fd` a pidfd, -1 for none."""

    pid: int
    ppid: int
    start: int
    seen: float
    command: tuple[str, ...] = ()
    title: str = ""
    program: str = ""
    session: int = 0
    ended: float | None = None
    status: int | None = None
    fd: int = -1
    peak: int = 0
    core: bool = False

    @property
    def alive(self) -> bool:
        """Whether it has not been seen to end."""
        return self.ended is None


def send(number: int, processes: Iterable[Process]) -> list[Process]:
    """Sends a signal to those of these processes that live; returns those that this user may not signal."""
    refused = []
    for process in processes:
        try:
            if process.alive:
                _send(number, process)
        except ProcessLookupError:
            continue
        except PermissionError:
            refused.append(process)
    return refused


def _send(number: int, process: Process) -> None:
    if process.fd >= 0 and hasattr(os, "pidfd_open"):
        import signal

        signal.pidfd_send_signal(process.fd, number)
    elif (stat := read_stat(process.pid)) and stat.start == process.start:
        os.kill(process.pid, number)
