"""What the real `/proc` says of a process: its stat line, its command, its children. All of this is called often."""

from __future__ import annotations

import contextlib
import os

from doctor.base.record import dataclass
from doctor.run.watch.sysroot import read_file


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


def command_of(pid: int) -> tuple[str, ...]:
    """The command line of a process; one empty word when it has none."""
    return tuple((read_file(f"/proc/{pid}/cmdline", 1 << 16) or "").rstrip("\0").split("\0"))


def title_of(pid: int) -> str | None:
    """The short name of a process, which it may set itself; None when it is gone."""
    text = read_file(f"/proc/{pid}/comm", 64)
    return text.strip() if text else None


def program_of(pid: int) -> str:
    """The file that a process runs, empty where this user may not see it."""
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115
    return ""


def lists_children() -> bool:
    """Whether this kernel has the `children` files."""
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # noqa: PTH110


def last_pid() -> str:
    """The number that was given last to a process or thread, as text; empty where it is not shown. One cheap read."""
    return (read_file("/proc/loadavg", 128) or "").rpartition(" ")[2]


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


def children_by_parent() -> dict[int, list[int]]:
    """The same for every process, from all stat files: for kernels without the `children` file."""
    out: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208
            if name.isdigit() and (stat := read_stat(int(name))):
                out.setdefault(stat.ppid, []).append(int(name))
    return out
