"""The TCP sockets of processes: who listens where, and who waits for an answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from ipaddress import ip_address

from doctor.base.record import dataclass
from doctor.collect.machine.descriptors import CONNECTING, LISTENING, descriptors, tcp_rows


@dataclass(frozen=True, slots=True)
class Socket:
    """One TCP socket of a process; addresses are `HOST:PORT`."""

    pid: int
    state: str
    local: str
    remote: str


def sockets(pids: Iterable[int]) -> list[Socket]:
    """Those of these processes that listen or connect, as far as this user may see them."""
    owners: dict[str, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            owners.update((target, pid) for _, target in descriptors(pid) if target.startswith("socket:["))
    return [
        Socket(owners[row.target], row.state, _address(row.local), _address(row.remote))
        for row in tcp_rows()
        if row.state in (CONNECTING, LISTENING) and row.target in owners
    ]


def _address(text: str) -> str:
    """`0100007F:1F90` as 127.0.0.1:8080; the kernel writes words of four bytes in its own order."""
    host, _, port = text.partition(":")
    words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
    address = ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    shown = str(mapped or address)
    return f"{f'[{shown}]' if ':' in shown else shown}:{int(port, 16)}"
