"""Which processes of this machine serve a port: those that listen, and those that belong to them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from doctor.base.files import Files
from doctor.base.record import dataclass
from doctor.collect.machine.descriptors import holds, listening_at


@dataclass(frozen=True, slots=True)
class Serving:
    """`pids` are the processes that listen on a port, and their descendants: engines keep the model in a child.

    `names` are the commands of those that listen themselves. Both are empty where nobody listens, or another user's
    process does.
    """

    pids: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()


def serving(port: int) -> Serving:
    """Who serves a port of this machine."""
    wanted, every = listening_at(port), dict(_processes())
    found = {pid for pid in every if _holds(pid, wanted)} if wanted else set()
    names = frozenset((Files(None).first_text(f"/proc/{pid}/comm", 64) or "").strip() for pid in found)
    for _ in range(64):
        more = {pid for pid, parent in every.items() if parent in found} - found
        if not more:
            break
        found |= more
    return Serving(frozenset(found), names)


def _processes() -> Iterator[tuple[int, int]]:
    """Each process and its parent."""
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        stat = Files(None).first_text(f"/proc/{name}/stat", 4096) if name.isdigit() else None
        fields = (stat or "").rpartition(")")[2].split()
        if len(fields) > 1:
            yield int(name), int(fields[1])


def _holds(pid: int, targets: set[str]) -> bool:
    """Whether a process holds one of these sockets; another user's is not seen to."""
    try:
        return holds(pid, targets)
    except OSError:
        return False
