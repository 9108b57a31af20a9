"""The TCP sockets of processes: who listens where, and who waits for an answer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from ipaddress import ip_address

from doctor.base.record import dataclass
from doctor.run.watch.sysroot import read_file

CONNECTING, LISTENING = "02", "0A"
LARGEST = 8 << 20  # bytes of one table


@dataclass(frozen=True, slots=True)
class Socket:
    """One TCP socket of a process; addresses are `HOST:PORT`."""

    pid: int
    state: str
    local: str
    remote: str


def sockets(pids: Iterable[int]) -> list[Socket]:
    """Those of these processes that listen or connect, as far as this user may see them."""
    owners = {inode: pid for pid in pids for inode in _inodes(pid)}
    out = []
    for table in ("tcp", "tcp6"):
        for line in (read_file(f"/proc/net/{table}", LARGEST) or "").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] in (CONNECTING, LISTENING) and fields[9] in owners:
                out.append(Socket(owners[fields[9]], fields[3], _address(fields[1]), _address(fields[2])))
    return out


def _inodes(pid: int) -> list[str]:
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            with contextlib.suppress(OSError):
                place = os.readlink(f"/proc/{pid}/fd/{name}")  # noqa: PTH115
                if place.startswith("socket:["):
                    found.append(place[8:-1])
    return found


def _address(text: str) -> str:
    """`0100007F:1F90` as 127.0.0.1:8080; the kernel writes words of four bytes in its own order."""
    host, _, port = text.partition(":")
    words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
    address = ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    shown = str(mapped or address)
    return f"{f'[{shown}]' if ':' in shown else shown}:{int(port, 16)}"
