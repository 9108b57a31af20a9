"""Every process below the server: seen when it is born, and how it ended, whoever was its parent.

The process that dies first is the diagnosis, and it is rarely the one that we started. Orphans become ours (doctor is
their subreaper), others are watched through pidfds. All files read here are those of the real `/proc`.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable

from doctor.base.record import dataclass
from doctor.run.watch import linux
from doctor.run.watch.sysroot import read_file

try:
    import resource  # wait4 wants it, when no descriptor may be left to load it
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

MOST_FDS = 64
KEPT_FDS = 40
MOST_KEPT = 600
YOUNG = 3.0


@dataclass(slots=True)
class Process:
    """One process. Times are seconds after the launch; `status` is a wait status, None while unknown."""

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


def _spare_descriptors() -> int:
    """How many pidfds this process can afford."""
    if resource is None:
        return 0
    return max(0, min(MOST_FDS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - KEPT_FDS))


@dataclass(frozen=True, slots=True)
class Stat:
    """What `/proc/PID/stat` says: state letter, parent, session, start in clock ticks, wait status of a zombie."""

    name: str
    state: str
    ppid: int
    session: int
    start: int
    status: int


def read_stat(pid: int) -> Stat | None:
    """The stat line of a process, or None when there is none."""
    text = read_file(f"/proc/{pid}/stat", 4096)
    if not text or ")" not in text:
        return None
    name, rest = text[text.find("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    if len(rest) < 50:
        return None
    return Stat(name, rest[0], int(rest[1]), int(rest[3]), int(rest[19]), int(rest[49]))


def children_of(pid: int, every_thread: bool = True) -> list[int]:
    """The children of a process: of every thread, or of the first alone, which starts nearly all of them."""
    threads = [str(pid)]
    with contextlib.suppress(OSError):
        threads = os.listdir(f"/proc/{pid}/task") if every_thread else threads  # noqa: PTH208 - hot
    out: list[int] = []
    for thread in threads:
        text = read_file(f"/proc/{pid}/task/{thread}/children", 1 << 16)
        out += [int(word) for word in (text or "").split()]
    return out


def _children_by_parent() -> dict[int, list[int]]:
    """The same for every process, from all stat files: for kernels without the `children` file."""
    out: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208
            if name.isdigit() and (stat := read_stat(int(name))):
                out.setdefault(stat.ppid, []).append(int(name))
    return out


class Tree:
    """The processes below doctor. `on_birth` and `on_death` are told of each one, once."""

    def __init__(self, on_birth: Callable[[Process], None], on_death: Callable[[Process], None]) -> None:
        self.began = time.monotonic()
        self.living: dict[int, Process] = {}
        self.dead: list[Process] = []
        self.ours: set[int] = set()
        self.ours_gone: dict[int, int] = {}
        self._birth, self._death = on_birth, on_death
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._by_fd: dict[int, Process] = {}
        self._listed = os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # noqa: PTH110
        self._last_pid = ""
        self._affordable = _spare_descriptors()
        self._told: dict[tuple[int, int], None] = {}

    def now(self) -> float:
        """Seconds since the launch, by the clock that nobody sets."""
        return round(time.monotonic() - self.began, 3)

    def scan(self, every_thread: bool = True) -> None:
        """Looks for new descendants, and for the end of those without a pidfd."""
        table = {} if self._listed else _children_by_parent()
        queue, done = [os.getpid()], set(self.ours)
        while queue:
            parent = queue.pop()
            for pid in children_of(parent, every_thread) if self._listed else table.get(parent, []):
                if pid not in done:
                    done.add(pid)
                    if self._adopt(pid, parent):
                        queue.append(pid)
        self.check_unwatched()

    def check_unwatched(self) -> None:
        """The end of processes without a pidfd: too many of them, or a kernel or container that gives none."""
        for process in [p for p in self.living.values() if p.fd < 0]:
            self._check(process)

    def changed(self) -> bool:
        """Whether any process or thread was born on this system since the last call: one cheap read."""
        last = (read_file("/proc/loadavg", 128) or "").rpartition(" ")[2]
        fresh, self._last_pid = last != self._last_pid or not last, last
        return fresh

    def _adopt(self, pid: int, parent: int) -> bool:
        known = self.living.get(pid)
        if known and known.fd >= 0:
            return True  # its pidfd will tell before the number can be given away
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
        if pid in self.living or parent == os.getpid() or (pid, stat.start) in self._told:
            return
        self._end(self.add(pid, parent, stat), stat.status)

    def add(self, pid: int, parent: int, stat: Stat | None) -> Process:
        """Takes a process into the tree and watches it."""
        command = (read_file(f"/proc/{pid}/cmdline", 1 << 16) or "").rstrip("\0").split("\0")
        process = Process(pid, parent, stat.start if stat else 0, self.now(), tuple(command))
        process.title, process.session = (stat.name, stat.session) if stat else ("", 0)
        with contextlib.suppress(OSError):
            process.program = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115
        self.living[pid] = process
        self._watch(process)
        self._birth(process)
        return process

    def _watch(self, process: Process) -> None:
        if self._poll is None or not hasattr(os, "pidfd_open") or len(self._by_fd) >= self._affordable:
            return
        with contextlib.suppress(OSError):
            process.fd = os.pidfd_open(process.pid)
            self._by_fd[process.fd] = process
            self._poll.register(process.fd, select.POLLIN)

    def refresh(self) -> None:
        """Reads the titles again: servers rename their workers after the start."""
        for process in list(self.living.values()):
            title = (read_file(f"/proc/{process.pid}/comm", 64) or process.title).strip()
            young = self.now() - process.seen < YOUNG  # a fork is seen before it becomes another program
            if title == process.title and not young:
                continue
            line = (read_file(f"/proc/{process.pid}/cmdline", 1 << 16) or "").rstrip("\0").split("\0")
            if line[0] and (title, tuple(line)) != (process.title, process.command):
                process.title, process.command = title, tuple(line)
                self._birth(process)

    def reap(self) -> None:
        """Collects every child and orphan that ended, with its status."""
        while True:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if info is None:
                return
            process = self.living.get(info.si_pid)
            if process is None and info.si_pid not in self.ours:
                stat = read_stat(info.si_pid)
                if not stat or (info.si_pid, stat.start) not in self._told:
                    process = self.add(info.si_pid, os.getpid(), stat)
            try:
                _, status, usage = os.wait4(info.si_pid, os.WNOHANG)
            except ChildProcessError:
                continue
            if process:
                process.peak = max(process.peak, usage.ru_maxrss * 1024)
                self._end(process, status)
            elif info.si_pid in self.ours:
                self.ours_gone[info.si_pid] = status

    def poll(self) -> None:
        """Notices the end of processes that others have to collect."""
        if self._poll is None or not self._by_fd:
            return
        for fd, _ in self._poll.poll(0):
            self._check(self._by_fd[fd], known_dead=True)

    def _check(self, process: Process, known_dead: bool = False) -> None:
        stat = read_stat(process.pid)
        if stat and stat.start == process.start:
            if stat.state not in "ZX":
                return
            if stat.ppid == os.getpid():
                return  # ours to collect, with its status, in `reap`
            self._end(process, stat.status)
        elif known_dead or not stat or stat.start != process.start:
            self._end(process, linux.pidfd_exit_status(process.fd) if process.fd >= 0 else None)

    def _end(self, process: Process, status: int | None) -> None:
        process.ended, process.status = self.now(), status
        process.core = bool(status is not None and status & 0x80)
        if process.fd >= 0:
            with contextlib.suppress(OSError, KeyError):
                if self._poll:
                    self._poll.unregister(process.fd)
                os.close(process.fd)
            self._by_fd.pop(process.fd, None)
            process.fd = -1
        if self.living.get(process.pid) is process:
            del self.living[process.pid]
        self._told[process.pid, process.start] = None  # it may stay a zombie for long
        if len(self._told) > 4 * MOST_KEPT:
            del self._told[next(iter(self._told))]
        self._remember(process)
        self._death(process)

    def _remember(self, process: Process) -> None:
        self.dead.append(process)
        if len(self.dead) > MOST_KEPT:
            quiet = next((p for p in self.dead if not p.status), self.dead[-1])
            self.dead.remove(quiet)

    def kill(self, number: int, processes: list[Process] | None = None) -> list[Process]:
        """Sends a signal to these processes (all by default), never to a number that was given to somebody else.

        Returns those that this user may not signal.
        """
        refused = []
        for process in list(self.living.values()) if processes is None else processes:
            if not process.alive:
                continue
            try:
                if process.fd >= 0 and hasattr(os, "pidfd_open"):
                    import signal

                    signal.pidfd_send_signal(process.fd, number)
                elif (stat := read_stat(process.pid)) and stat.start == process.start:
                    os.kill(process.pid, number)
            except ProcessLookupError:
                continue
            except PermissionError:
                refused.append(process)
        return refused
