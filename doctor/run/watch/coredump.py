"""Where a core dump went, from the kernel's pattern; doctor never raises the limit that forbids one."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from doctor.findings.run import CoreDump
from doctor.run.watch.sysroot import read


def where(pid: int, program: str, workdir: str, dumped: bool, not_before: float) -> CoreDump | None:
    """The dump of a process that died by a dumping signal; None when there is nothing to say.

    `not_before` is the wall-clock time of the start: older files are somebody else's.
    """
    pattern = (read("/proc/sys/kernel/core_pattern", 4096) or "").strip()
    if not dumped or not pattern:
        return None
    if pattern.startswith("|"):
        return CoreDump(pid, pattern, hint=_handler_hint(pattern, pid))
    found = _find(pattern, pid, program, workdir, not_before)
    return CoreDump(pid, pattern, found, None if found else "the core file was not found")


def _handler_hint(pattern: str, pid: int) -> str:
    if "systemd-coredump" in pattern:
        return f"coredumpctl info {pid}"
    if "wsl-capture-crash" in pattern:
        return r"WSL keeps it in Windows under %LOCALAPPDATA%\Temp\wsl-crashes"
    if "apport" in pattern:
        return "Ubuntu's apport keeps it under /var/lib/apport/coredump or /var/crash"
    return f"the program {pattern[1:].split()[0] if pattern[1:].split() else '?'} has it"


def _find(pattern: str, pid: int, program: str, workdir: str, not_before: float) -> str | None:
    """The newest file that the pattern can mean: `%p` is the pid, `%e` the program, anything else is open."""
    out, letters = "", iter(pattern)
    for letter in letters:
        if letter != "%":
            out += glob.escape(letter)
            continue
        kind = next(letters, "")
        fixed = {"p": str(pid), "P": str(pid), "%": "%"}
        out += glob.escape(fixed[kind]) if kind in fixed else "*"
    names = [out, f"{out}.{pid}"]
    paths = [Path(p) for n in names for p in _matching(n if n.startswith("/") else f"{glob.escape(workdir)}/{n}")]
    fresh = [(p.stat().st_mtime, p) for p in paths if p.is_file() and p.stat().st_mtime >= not_before - 2]
    return os.fspath(max(fresh)[1]) if fresh else None


def _matching(pattern: str) -> list[str]:
    return glob.glob(pattern)  # noqa: PTH207 - the pattern is absolute, which Path.glob does not take
