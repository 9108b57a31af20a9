"""Reads of the machine's own files under `/proc`, `/sys` and `/dev`, relocatable for tests and saved systems.

`QVL_DOCTOR_SYSROOT=/x` prefixes what is said about the machine (cgroups, counters, kernel log, core pattern). The
processes that we started are always looked up in the real `/proc`: a saved system has none of them.
"""

from __future__ import annotations

import os
from pathlib import Path

from doctor.base.opening import system_bytes

LIMIT = 1 << 20


def at(path: str) -> Path:
    """`path` (absolute) below the system root that the environment names, `/` by default."""
    root = os.environ.get("QVL_DOCTOR_SYSROOT", "")
    return Path(root + path) if root else Path(path)


def read(path: str, limit: int = LIMIT) -> str | None:
    """At most `limit` bytes of a system file as text, or None when it cannot be read."""
    return read_file(at(path), limit)


def read_file(path: Path | str, limit: int = LIMIT) -> str | None:
    """At most `limit` bytes of `path` as text, undecodable bytes replaced, or None when it cannot be read."""
    data = system_bytes(path, limit)
    return None if data is None else data.decode("utf-8", "replace")


def counters(text: str | None) -> dict[str, int]:
    """`name value` lines (memory.events, vmstat, memory.oom_control) as a mapping; other lines are skipped."""
    pairs = (line.split() for line in (text or "").splitlines())
    return {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdigit()}
