"""Descriptors that tell when a process has ended, whoever its parent is. Where there are none, nothing is watched."""

from __future__ import annotations

import contextlib
import os
import select

from doctor.run.watch.process import Process

try:
    import resource  # wait4 wants it, when no descriptor may be left to load it
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

MOST = 64
KEPT = 40


class Pidfds:
    """The pidfds of living processes, as many as this process can afford."""

    def __init__(self) -> None:
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._by_fd: dict[int, Process] = {}
        self._affordable = _spare_descriptors()

    def watch(self, process: Process) -> None:
        """Gives the process a pidfd where that is possible."""
        if self._poll is None or not hasattr(os, "pidfd_open") or len(self._by_fd) >= self._affordable:
            return
        with contextlib.suppress(OSError):
            process.fd = os.pidfd_open(process.pid)
            self._by_fd[process.fd] = process
            self._poll.register(process.fd, select.POLLIN)

    def ended(self) -> list[Process]:
        """Those that have ended."""
        if self._poll is None or not self._by_fd:
            return []
        return [self._by_fd[fd] for fd, _ in self._poll.poll(0)]

    def forget(self, process: Process) -> None:
        """Closes the pidfd of a process."""
        if process.fd < 0:
            return
        with contextlib.suppress(OSError, KeyError):
            if self._poll:
                self._poll.unregister(process.fd)
            os.close(process.fd)
        self._by_fd.pop(process.fd, None)
        process.fd = -1


def _spare_descriptors() -> int:
    """How many pidfds this process can afford."""
    if resource is None:
        return 0
    return max(0, min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - KEPT))
