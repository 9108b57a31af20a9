"""Network facts: interfaces, addresses, routes, the own name, RDMA ports and the limits that RDMA meets."""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Iterable, Iterator

from doctor.base.files import Files
from doctor.base.text import one_line
from doctor.collect.machine.limits import limit_of
from doctor.collect.machine.netlink import interfaces
from doctor.collect.machine.rdma import rdma_ports
from doctor.collect.machine.resolving import Resolved, resolved
from doctor.facts import Unavailable
from doctor.facts.network import Hop, Network

MOST_ROUTES = 256


def collect_network(root: str | None = None, names: Iterable[str] = (), ask: bool = False) -> Network | Unavailable:
    """The facts; `Unavailable` on systems other than Linux and for another root, which has no network of its own.

    `names` are those that the launch mentions. With `ask`, the system's resolver is asked for them and for the own
    name where /etc/hosts does not have it; that may send a query to a name server.
    """
    tree = Files(root)
    if not tree.own:
        return Unavailable("not_supported", "another root file system has no network of its own")
    if not sys.platform.startswith("linux"):
        return Unavailable("not_supported", f"the network checks support Linux only, and this is {sys.platform}")
    name = _name(tree)
    wanted = (*filter(None, (name,)), *names)
    found = resolved(tree, wanted, ask=ask)
    mine = found.get(name or "", Resolved())
    return Network(
        name=name, own=mine.addresses, unresolved=mine.why, interfaces=interfaces(), routes=tuple(_routes(tree)),
        named={n: found[n].addresses or () for n in names if n in found} or None, rdma=rdma_ports(tree),
        ports=_ports(tree), locked_memory=limit_of(tree, "Max locked memory"), clock=round(time.time(), 3),
    )  # fmt: skip


def _name(tree: Files) -> str | None:
    """What gethostname() says, which is what torch and Gloo resolve."""
    try:
        return one_line(_gethostname(), 253) or None
    except OSError:
        return one_line((tree.first_text("/proc/sys/kernel/hostname", 256) or "").strip(), 253) or None


def _gethostname() -> str:
    if sys.platform != "win32":
        return os.uname().nodename  # the same, without loading sockets

    import socket

    return socket.gethostname()


def _ports(tree: Files) -> tuple[int, int] | None:
    words = (tree.first_text("/proc/sys/net/ipv4/ip_local_port_range", 64) or "").split()
    return (int(words[0]), int(words[1])) if len(words) == 2 and all(w.isdigit() for w in words) else None


def _routes(tree: Files) -> Iterator[Hop]:
    """/proc/net/route: addresses are 32 bits in the order of the machine."""
    lines = (tree.first_text("/proc/net/route") or "").splitlines()[1:]
    for line in lines[:MOST_ROUTES]:
        words = line.split()
        try:
            name, (to, via, mask) = one_line(words[0], 32), (int(words[i], 16) for i in (1, 2, 7))
            hop = Hop(f"{_dotted(to)}/{mask.bit_count()}", name, _dotted(via) if via else None)
        except (IndexError, ValueError, struct.error):
            continue
        yield hop


def _dotted(number: int) -> str:
    return ".".join(map(str, struct.pack("=I", number)))
