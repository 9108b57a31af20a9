"""Every process below the server: seen when it is born, and how it ended, whoever was its parent.

The process that dies first is the diagnosis, and it is rarely the one that we started. Orphans become ours (doctor is
their subreaper), others are watched through pidfds. All files read here are those of the real `/proc`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from doctor.run.watch import proc, system_calls
from doctor.run.watch.pidfds import Pidfds
from doctor.run.watch.proc import Stat, read_stat
from doctor.run.watch.process import Process, send

MOST_KEPT = 600
YOUNG = 3.0
CRASHES = {4, 5, 6, 7, 8, 11, 31}  # ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS: nobody sends these to end a worker


class ProcessTree:
    """The processes below doctor. `on_birth` and `on_death` get each one, once.

    `ours` are helpers of doctor, which do not belong to the server; `ours_gone` holds the wait status of ended ones.
    """

    def __init__(self, on_birth: Callable[[Process], None], on_death: Callable[[Process], None]) -> None:
        self.began = time.monotonic()
        self.living: dict[int, Process] = {}
        self.dead: list[Process] = []
        self.ours: set[int] = set()
        self.ours_gone: dict[int, int] = {}
        self._birth, self._death = on_birth, on_death
        self._pidfds = Pidfds()
        self._listed = proc.lists_children()
        self._last_pid = ""
        self._known_dead: dict[tuple[int, int], None] = {}

    def now(self) -> float:
        """Seconds since the launch, by the clock that nobody sets."""
        return round(time.monotonic() - self.began, 3)

    # -- births --------------------------------------------------------------------------------------------------

    def scan(self, every_thread: bool = True) -> None:
        """Looks for new descendants, and for the end of those without a pidfd."""
        table = {} if self._listed else proc.children_by_parent()
        queue, done = [os.getpid()], set(self.ours)
        while queue:
            parent = queue.pop()
            for pid in proc.children_of(parent, every_thread) if self._listed else table.get(parent, []):
                if pid not in done:
                    done.add(pid)
                    if self._adopt(pid, parent):
                        queue.append(pid)
        self.check_unwatched()

    def changed(self) -> bool:
        """Whether any process or thread was born on this system since the last call: one cheap read."""
        last = proc.last_pid()
        fresh, self._last_pid = last != self._last_pid or not last, last
        return fresh

    def _adopt(self, pid: int, parent: int) -> bool:
        known = self.living.get(pid)
        if known and known.fd >= 0:
            return True  # its pidfd will report its end before the number can be given away
        stat = read_stat(pid)
        if stat is None:
            return False
        if stat.state in "ZX":
            self._unseen(pid, parent, stat)
            return False
        if known and known.start == stat.start:
            return True
        if known:  # the number was given to another process: the one we knew is gone
            self._end(known, None)
        self.add(pid, parent, stat)
        return True

    def _unseen(self, pid: int, parent: int, stat: Stat) -> None:
        """A process that was born and died between two looks, and that its parent has not collected."""
        if pid in self.living or parent == os.getpid() or (pid, stat.start) in self._known_dead:
            return
        self._end(self.add(pid, parent, stat), stat.status)

    def add(self, pid: int, parent: int, stat: Stat | None) -> Process:
        """Takes a process into the tree and watches it."""
        process = Process(pid, parent, stat.start if stat else 0, self.now(), proc.command_of(pid))
        process.title, process.session = (stat.name, stat.session) if stat else ("", 0)
        process.program = proc.program_of(pid)
        self.living[pid] = process
        self._pidfds.watch(process)
        self._birth(process)
        return process

    def refresh(self) -> None:
        """Reads the titles again: servers rename their workers after the start."""
        for process in list(self.living.values()):
            title = proc.title_of(process.pid) or process.title
            young = self.now() - process.seen < YOUNG  # a fork is seen before it becomes another program
            if title == process.title and not young:
                continue
            command = proc.command_of(process.pid)
            if command[0] and (title, command) != (process.title, process.command):
                process.title, process.command = title, command
                self._birth(process)

    # -- deaths --------------------------------------------------------------------------------------------------

    def reap(self) -> None:
        """Collects every child and orphan that ended, with its status."""
        while True:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if info is None:
                return
            self._note_crashes()
            self._collect(info.si_pid)

    def _collect(self, pid: int) -> None:
        process = self.living.get(pid)
        if process is None and pid not in self.ours:
            stat = read_stat(pid)
            if not stat or (pid, stat.start) not in self._known_dead:
                process = self.add(pid, os.getpid(), stat)
        try:
            _, status, usage = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            return
        if process:
            process.peak = max(process.peak, usage.ru_maxrss * 1024)
            self._end(process, status)
        elif pid in self.ours:
            self.ours_gone[pid] = status

    def _note_crashes(self) -> None:
        """Notes crashes before the end of a parent that was met in the same moment, and which they may have caused.

        Other signals may as well come from the parent's end, and count as later.
        """
        for process in self._pidfds.ended():
            stat = read_stat(process.pid)
            status = stat.status if stat and stat.start == process.start else self._status(process)
            if (status or 0) & 0x7F in CRASHES and (stat is None or stat.ppid != os.getpid()):
                self._check(process, known_dead=True)

    @staticmethod
    def _status(process: Process) -> int | None:
        return system_calls.pidfd_exit_status(process.fd) if process.fd >= 0 else None

    def poll(self) -> None:
        """Notices the end of processes that others have to collect."""
        for process in self._pidfds.ended():
            self._check(process, known_dead=True)

    def check_unwatched(self) -> None:
        """The end of processes without a pidfd: too many of them, or a kernel or container that gives none."""
        for process in [p for p in self.living.values() if p.fd < 0]:
            self._check(process)

    def _check(self, process: Process, known_dead: bool = False) -> None:
        stat = read_stat(process.pid)
        if stat and stat.start == process.start:
            if stat.state not in "ZX":
                return
            if stat.ppid == os.getpid():
                return  # ours to collect, with its status, in `reap`
            self._end(process, stat.status)
        elif known_dead or not stat or stat.start != process.start:
            self._end(process, self._status(process))

    def _end(self, process: Process, status: int | None) -> None:
        process.ended, process.status = self.now(), status
        process.core = bool(status is not None and status & 0x80)
        self._pidfds.forget(process)
        if self.living.get(process.pid) is process:
            del self.living[process.pid]
        self._known_dead[process.pid, process.start] = None  # it may stay a zombie for long
        if len(self._known_dead) > 4 * MOST_KEPT:
            del self._known_dead[next(iter(self._known_dead))]
        self._remember(process)
        self._death(process)

    def _remember(self, process: Process) -> None:
        self.dead.append(process)
        if len(self.dead) > MOST_KEPT:
            quiet = next((p for p in self.dead if not p.status), self.dead[-1])
            self.dead.remove(quiet)

    def send(self, number: int) -> list[Process]:
        """Sends a signal to all that live; returns those that this user may not signal."""
        return send(number, list(self.living.values()))
