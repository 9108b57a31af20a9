"""Where an address leads in a deployment: to which service, and what its server answers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult

from doctor.base.address import LOCAL
from doctor.base.record import dataclass
from doctor.facts import Facts, Neighbor, Neighbors
from doctor.launch.server import Server, server
from doctor.matrix.engines import engine_row

HOST_NAMES = ("host.docker.internal", "host.containers.internal", "gateway.docker.internal", "172.17.0.1")
Kind = Literal["service", "published", "itself", "unpublished", "no service", "apart", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Lead:
    """Where an address leads: `neighbor` and the `port` in its container, as far as the deployment says it; port 0
    where the service's name leads on from other ports alone.

    `service`: by its name; `published`: through a port of the host; `itself`: the client's own container;
    `unpublished`: the host, where no service has that port; `no service`: a name that nobody has; `apart`: the service
    and the client are in no common network, so that its name means nothing to the client; else `elsewhere`.
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
    named = [n for n in services if host in (h.lower() for h in n.hosts)]
    if named and client is not None and all(_apart(client, n) for n in named):
        return Lead("apart", port, named[0])
    if named:
        return _of_name(named, port)
    if host in LOCAL and any(n.pod for n in services):
        return _in_pod(services, port, client)
    on_host = client is None or client.host_network
    if host in HOST_NAMES or (host in LOCAL and on_host):
        return _published(services, port)
    if host in LOCAL:
        return Lead("itself", port, client if client and client.engine else None)
    return Lead("elsewhere" if "." in host or ":" in host or _is_ip(host) else "no service", port)


def _apart(client: Neighbor, other: Neighbor) -> bool:
    """Whether two services of a project are in different networks alone."""
    return bool(client.networks and other.networks) and not set(client.networks) & set(other.networks)


def _of_name(named: list[Neighbor], port: int) -> Lead:
    """The service of a name; of several containers of one pod that which listens on the port, if any is known to."""
    exact = next((n for n in named if n.port == forwarded(n, port)), None)
    if exact is None and len(named) > 1:
        return Lead("elsewhere", port)
    one = exact or named[0]
    return Lead("service", forwarded(one, port), one)


def reached(neighbor: Neighbor, there: Server) -> Server:
    """A server as the others see it: at the port of its service's name that leads to its own."""
    outer = outer_port(neighbor, there.port)
    return there if outer is None else replace(there, port=outer, forwarded=True)


def forwarded(neighbor: Neighbor, port: int) -> int:
    """The port of a service's own behind a port of its names: the same where nothing is said, 0 where there is none."""
    missing = 0 if neighbor.forwards else port
    return next((int(inner) for outer, inner in _forwards(neighbor) if outer == str(port)), missing)


def outer_port(neighbor: Neighbor, port: int | None) -> int | None:
    """The port of a service's names that leads to its own `port`; None where nothing is said of it."""
    return next((int(outer) for outer, inner in _forwards(neighbor) if inner == str(port)), None)


def _forwards(neighbor: Neighbor) -> Iterator[tuple[str, str]]:
    """A port of the service's names, and the one of its own that it leads to."""
    for text in neighbor.forwards:
        outer, _, inner = text.partition(":")
        yield outer, inner


def _in_pod(services: tuple[Neighbor, ...], port: int, client: Neighbor | None) -> Lead:
    """The loopback in a cluster: that of the client's pod, or of a machine with a forwarded port that nobody knows."""
    if client is None:
        return Lead("elsewhere", port)
    beside = next((n for n in services if n.pod == client.pod and n.port == port), None)
    return Lead("service", port, beside) if beside else Lead("itself", port, client if client.engine else None)


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
