"""What the kernel's log says about the run: GPU errors (Xid), out-of-memory kills, segmentation faults."""

from __future__ import annotations

import os
import re
import select
import stat
import time

from doctor.base.late import late_pattern
from doctor.base.opening import open_any
from doctor.base.record import dataclass
from doctor.findings.run import Xid
from doctor.run.watch.sysroot import at

LIMIT = 8 << 20
MOST_LINES = 40
SLACK = 500_000  # microseconds by which the kernel's log clock may differ from the monotonic one
_XID = late_pattern(r"NVRM: Xid \((?P<device>[^)\n]{1,40})\): (?P<code>\d{1,4})(?P<rest>[^\n]{0,400})")
_PID = late_pattern(r"pid='?(\d{1,10})")
_RELEVANT = late_pattern(
    r"NVRM: |segfault at |general protection|traps: |Out of memory|oom-kill:|Killed process |invoked oom-killer"
    r"|hardware error|AER: |nvidia-modeset"
)


@dataclass(frozen=True, slots=True)
class KernelLog:
    """The relevant lines of the run, and why there are none when the log cannot be read."""

    lines: tuple[str, ...] = ()
    unreadable: str | None = None


def read_log(since: float, until: float) -> KernelLog:
    """Lines logged between two moments of the monotonic clock, in seconds."""
    try:
        raw = _records()
    except OSError as e:
        return KernelLog(unreadable=f"kernel log not readable ({e.strerror or e})")
    first, last = since * 1e6 - SLACK, until * 1e6 + SLACK
    out = []
    for line in raw:
        head, _, message = line.partition(";")
        fields = head.split(",")
        if len(fields) >= 3 and fields[2].isdigit() and first <= int(fields[2]) <= last and _RELEVANT.search(message):
            out.append(message[:1000])
    return KernelLog(tuple(out[-MOST_LINES:]))


def _records() -> list[str]:
    """The log's records; `/dev/kmsg` gives one a read and EPIPE where it overwrote some meanwhile."""
    fd = open_any(at("/dev/kmsg"))
    out, size, deadline = [], 0, time.monotonic() + 1.0
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
        while size < LIMIT and time.monotonic() < deadline:
            if not regular and not select.select([fd], [], [], 0)[0]:
                break
            try:
                block = os.read(fd, 1 << 16 if regular else 8192)
            except BrokenPipeError:
                continue
            except BlockingIOError:
                break
            if not block:
                break
            size += len(block)
            out.append(block)
    finally:
        os.close(fd)
    return b"".join(out).decode("utf-8", "replace").split("\n")


def xids(log: KernelLog, pids: set[int]) -> list[Xid]:
    """GPU errors of the run: those of our processes, and those that name no process."""
    out = []
    for line in log.lines:
        if not (found := _XID.search(line)):
            continue
        who = _PID.search(found["rest"])
        pid = int(who[1]) if who else None
        if pid is None or pid in pids:
            out.append(Xid(int(found["code"]), found["device"], pid, line[:500]))
    return out


def about(log: KernelLog, pids: set[int]) -> list[str]:
    """The lines that name one of these processes, and every out-of-memory or GPU line of the run."""
    words = {str(pid) for pid in pids}
    general = ("NVRM", "Out of memory", "oom-kill", "Killed process")
    return [x for x in log.lines if any(g in x for g in general) or words & set(re.findall(r"\d+", x[:400]))]
