"""What the descriptors of a process lead to, and the TCP sockets among them, as the real `/proc` says."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import islice

from doctor.base.opening import system_bytes
from doctor.base.record import dataclass

CONNECTING, LISTENING = "02", "0A"
LARGEST = 8 << 20  # bytes of one table


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the kernel's tables of TCP sockets; addresses as they stand there: `0100007F:1F90`."""

    state: str
    local: str
    remote: str
    target: str  # what a descriptor of it leads to: `socket:[INODE]`


def descriptors(pid: int, most: int | None = None) -> Iterator[tuple[str, str]]:
    """The path of each descriptor, at most `most`, and what it leads to; nothing for a process that is gone.

    Raises PermissionError where this user may not see them.
    """
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return
    for name in islice(names, most):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            path = f"{folder}/{name}"
            yield path, os.readlink(path)


def tcp_rows() -> Iterator[Row]:
    """The TCP sockets of this machine's network namespace, of IPv4 and IPv6."""
    for table in ("tcp", "tcp6"):
        text = (system_bytes(f"/proc/net/{table}", LARGEST) or b"").decode("utf-8", "replace")
        for line in text.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9:
                yield Row(fields[3], fields[1], fields[2], f"socket:[{fields[9]}]")


def listening_at(port: int) -> set[str]:
    """The sockets that listen on a port, as descriptors lead to them."""
    end = f":{port:04X}"
    return {row.target for row in tcp_rows() if row.state == LISTENING and row.local.endswith(end)}


def holds(pid: int, targets: set[str]) -> bool:
    """Whether a descriptor of a process leads to one of these. Raises PermissionError."""
    return any(target in targets for _, target in descriptors(pid))
