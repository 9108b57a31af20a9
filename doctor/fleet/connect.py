"""Connections between machines, as they really are: a port that listens here, and attempts to reach others' ports."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterable

from doctor.base.record import dataclass
from doctor.facts.node import Connection, Tried

SECONDS = 3.0
MOST = 256
REFUSED = frozenset((errno.ECONNREFUSED, errno.ECONNRESET))
NO_ROUTE = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EINVAL, errno.EADDRNOTAVAIL))


@dataclass(frozen=True, slots=True)
class Peer:
    """Another machine: our name for it, one of its addresses, and the port that it listens on."""

    name: str
    host: str
    port: int


class Listener:
    """A port on all addresses of this machine that takes connections and says nothing. Closed with the process."""

    def __init__(self, port: int = 0) -> None:
        """Raises OSError where the port is taken."""
        self.sockets: list[socket.socket] = []
        self.port = port
        for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            try:
                self.sockets.append(self._open(family, host))
            except OSError:
                if family == socket.AF_INET:
                    raise
        for one in self.sockets:
            threading.Thread(target=_accept, args=(one,), daemon=True).start()

    def _open(self, family: int, host: str) -> socket.socket:
        one = socket.socket(family, socket.SOCK_STREAM)
        try:
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((host, self.port))
            one.listen(512)
        except OSError:
            one.close()
            raise
        self.port = one.getsockname()[1]
        return one

    def close(self) -> None:
        """No more connections."""
        for one in self.sockets:
            one.close()


def try_all(peers: Iterable[Peer], seconds: float = SECONDS) -> tuple[Tried, ...]:
    """One attempt to each, all at once, in the order given; 256 at most."""
    wanted = list(peers)[:MOST]
    out: list[Tried | None] = [None] * len(wanted)

    def one(at: int) -> None:
        out[at] = attempt(wanted[at], seconds)

    threads = [threading.Thread(target=one, args=(at,), daemon=True) for at in range(len(wanted))]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds + 1
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return tuple(
        done or Tried(peer.name, shown(peer), "timed out") for done, peer in zip(out, wanted, strict=True)
    )


def attempt(peer: Peer, seconds: float = SECONDS) -> Tried:
    """Connects once and closes."""
    begun = time.monotonic()
    how: Connection = "ok"
    try:
        socket.create_connection((peer.host, peer.port), seconds).close()
    except TimeoutError:
        how = "timed out"
    except OSError as error:
        how = "refused" if error.errno in REFUSED else "no route" if error.errno in NO_ROUTE else "failed"
    return Tried(peer.name, shown(peer), how, round((time.monotonic() - begun) * 1000, 1))


def shown(peer: Peer) -> str:
    """`10.0.0.2:29501`, `[fd00::2]:29501`."""
    return f"[{peer.host}]:{peer.port}" if ":" in peer.host else f"{peer.host}:{peer.port}"


def _accept(one: socket.socket) -> None:
    while True:
        try:
            one.accept()[0].close()
        except OSError:
            return
