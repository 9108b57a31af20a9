"""Where an address leads in a deployment: to which service, and what its server answers to."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult

from doctor.base.record import dataclass
from doctor.facts import Facts, Neighbor, Neighbors
from doctor.launch.server import LOCAL, Server, server
from doctor.matrix.engines import engine_row

HOST_NAMES = ("host.docker.internal", "host.containers.internal", "gateway.docker.internal", "172.17.0.1")
Kind = Literal["service", "published", "itself", "unpublished", "no service", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Lead:
    """Where an address leads: `neighbor` and the `port` in its container, as far as the deployment says it.

    `service`: by its name; `published`: through a port of the host; `itself`: the client's own container;
    `unpublished`: the host, where no service has that port; `no service`: a name that nobody has; else `elsewhere`.
    """

    kind: Kind
    port: int
    neighbor: Neighbor | None = None


def around(facts: Facts) -> tuple[Neighbor, ...]:
    """The services of the deployment; empty where none is known."""
    return facts.neighbors.services if isinstance(facts.neighbors, Neighbors) else ()


def port_of(address: SplitResult) -> int:
    """The port that an address asks at."""
    return address.port or (443 if address.scheme == "https" else 80)


def lead(services: tuple[Neighbor, ...], address: SplitResult, client: Neighbor | None) -> Lead:
    """Where an address leads for a client; a client that is none of the services runs on the host."""
    host, port = address.hostname or "", port_of(address)
    named = next((n for n in services if host in (h.lower() for h in n.hosts)), None)
    if named is not None:
        return Lead("service", port, named)
    on_host = client is None or client.host_network
    if host in HOST_NAMES or (host in LOCAL and on_host):
        return _published(services, port)
    if host in LOCAL:
        return Lead("itself", port, client if client and client.engine else None)
    return Lead("elsewhere" if "." in host or ":" in host or _is_ip(host) else "no service", port)


def _published(services: tuple[Neighbor, ...], port: int) -> Lead:
    for one in services:
        if one.host_network and one.port == port:
            return Lead("published", port, one)
        for text in one.published:
            if (inside := _inside(text, port)) is not None:
                return Lead("published", inside, one)
    return Lead("unpublished", port)


def _inside(published: str, port: int) -> int | None:
    """The port in the container behind a port of the host, for `127.0.0.1:8000:80/tcp` or `9000-9002:9000-9002`."""
    rest, _, inner = published.partition("/")[0].rpartition(":")
    outer = rest.rpartition(":")[2]
    low, _, high = outer.partition("-")
    first = inner.partition("-")[0]
    if not (low.isdigit() and first.isdigit() and (not high or high.isdigit())) or len(outer + inner) > 24:
        return None
    return int(first) + port - int(low) if int(low) <= port <= int(high or low) else None


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def server_behind(facts: Facts, neighbor: Neighbor) -> Server | None:
    """The server that a service runs: that of the command that is checked, or what was read of another one."""
    if neighbor.mine:
        return server(facts)
    if neighbor.engine is None or not engine_row(neighbor.engine):
        return None
    host = "127.0.0.1" if neighbor.local else "0.0.0.0"
    return Server(neighbor.engine, None, host, neighbor.port, neighbor.names, neighbor.key, False)
