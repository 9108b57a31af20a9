"""Was it the kernel because memory ran out? Said only where one of the kernel's own counters or log lines says so.

Counters are read before the start and after the end. One that cannot be read is no zero: it proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from doctor.base.late import late_pattern
from doctor.run.watch import sysroot

_KILLED = late_pattern(r"(?:Killed process |task_memcg=\S{0,200},task=[^,\n]{0,64},pid=)(\d{1,10})")


def snapshot(pid: int | str = "self") -> dict[str, int | None]:
    """The out-of-memory kills that the kernel has counted, by counter; None for one that cannot be read.

    `pid` is the process whose control groups are meant: our own, or the server's when it was moved to others.
    """
    groups = _groups(sysroot.read(f"/proc/{pid}/cgroup"))
    return {
        "cgroup memory.events oom_kill": _v2(groups.get("")),
        "cgroup memory.oom_control oom_kill": _v1(groups.get("memory")),
        "/proc/vmstat oom_kill": _pick(sysroot.read("/proc/vmstat"), "oom_kill"),
    }


def _groups(text: str | None) -> dict[str, str]:
    out: dict[str, str] = {}
    for line in (text or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3 and ".." not in parts[2].split("/"):
            out |= {name: parts[2].rstrip("/") for name in parts[1].split(",")}
    return out


def _v2(group: str | None) -> int | None:
    if group is None:
        return None
    for top in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        found = _pick(sysroot.read(f"{top}{group}/memory.events"), "oom_kill")
        if found is not None:
            return found
    return None


def _v1(group: str | None) -> int | None:
    if group is None:
        return None
    for place in (group, ""):  # in a container the path is the host's, and the mount shows only our own group
        found = _pick(sysroot.read(f"/sys/fs/cgroup/memory{place}/memory.oom_control"), "oom_kill")
        if found is not None:
            return found
    return None


def _pick(text: str | None, name: str) -> int | None:
    return sysroot.counters(text).get(name)


def moved(before: Mapping[str, int | None], after: Mapping[str, int | None]) -> dict[str, tuple[int, int]]:
    """The counters that grew, with both values; unreadable ones are left out."""
    both = {k: (before.get(k), after.get(k)) for k in after}
    return {k: (a, b) for k, (a, b) in both.items() if a is not None and b is not None and b > a}


def killed_pids(kernel_lines: list[str]) -> set[int]:
    """The processes that these kernel log lines say were killed because memory ran out."""
    return {int(m[1]) for line in kernel_lines for m in _KILLED.finditer(line[:2000])}


def grade(grown: dict[str, tuple[int, int]], killed: set[int], pids: set[int]) -> tuple[str, list[str]]:
    """`confirmed`, `likely` or `unknown`, and the evidence; `pids` are the processes that ended by SIGKILL."""
    named = sorted(killed & pids)
    evidence = [f"the kernel log says that it killed process {pid} because memory ran out" for pid in named]
    evidence += [f"{name} went from {a} to {b} during the run" for name, (a, b) in grown.items()]
    if not pids:
        return "unknown", evidence
    if named or any(name.startswith("cgroup") for name in grown):
        return "confirmed", evidence
    return ("likely" if grown else "unknown"), evidence
