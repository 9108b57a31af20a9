"""Which processes of this machine serve a port: those that listen, and those that belong to them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from doctor.base.files import Files

_LISTEN = "0A"


def serving(port: int) -> frozenset[int]:
    """The processes that listen on a port, and all of their process groups and descendants.

    Engines keep the model in a child, or in a sibling that the same launcher started. Empty where nobody listens, or
    where the listener is another user's.
    """
    inodes = _sockets(port)
    every = dict(_processes())
    found = {pid for pid in every if inodes & set(_descriptors(pid))} if inodes else set()
    groups = {every[pid][1] for pid in found}
    found |= {pid for pid, (_, group) in every.items() if group in groups}
    for _ in range(64):
        more = {pid for pid, (parent, _) in every.items() if parent in found} - found
        if not more:
            break
        found |= more
    return frozenset(found)


def _sockets(port: int) -> set[str]:
    files, wanted = Files(None), f":{port:04X}"
    lines = [x.split() for n in ("tcp", "tcp6") for x in (files.first_text(f"/proc/net/{n}") or "").splitlines()[1:]]
    return {f"socket:[{f[9]}]" for f in lines if len(f) > 9 and f[1].endswith(wanted) and f[3] == _LISTEN}


def _processes() -> Iterator[tuple[int, tuple[int, int]]]:
    """Parent and process group by process."""
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        stat = Files(None).first_text(f"/proc/{name}/stat", 4096) if name.isdigit() else None
        fields = (stat or "").rpartition(")")[2].split()
        if len(fields) > 2:
            yield int(name), (int(fields[1]), int(fields[2]))


def _descriptors(pid: int) -> Iterator[str]:
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            yield os.readlink(f"/proc/{pid}/fd/{name}")
    except OSError:
        return
