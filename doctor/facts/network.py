"""How a machine is connected: what several machines need that serve one model together."""

from __future__ import annotations

from doctor.base.record import dataclass

LOOPBACK_NAME = "lo"  # as Linux calls it


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface, switched on or not. `addresses` are as `10.0.0.5/24` and `fd00::5/64`, `mtu` in bytes."""

    name: str
    up: bool = False
    loopback: bool = False
    mtu: int | None = None
    addresses: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses alone, without the lengths of their networks."""
        return tuple(a.partition("/")[0] for a in self.addresses)


@dataclass(frozen=True, slots=True)
class Hop:
    """One line of the IPv4 routing table: `destination` as `10.0.0.0/24` (`0.0.0.0/0`: all else)."""

    destination: str
    interface: str
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class Gid:
    """One entry of an RDMA port's GID table that is not empty; `kind` such as `RoCE v2`."""

    index: int
    address: str
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class RdmaPort:
    """A port of an InfiniBand or RoCE device (`mlx5_0`, port 1). `link` is `InfiniBand` or `Ethernet` (RoCE)."""

    device: str
    port: int
    active: bool = False
    link: str | None = None
    interface: str | None = None
    gids: tuple[Gid, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """What this machine, or the container in which doctor runs, sees of its network.

    `interfaces` is None where the system does not say. `name` is the host's own name, `own` the addresses that this
    name resolves to on this machine, in the resolver's order; None where nobody asked or no answer came in time
    (`unresolved` says which). `named` are the addresses of names that the launch mentions, by name. `ports` is the
    range of ports that outgoing connections are given. `locked_memory` is RLIMIT_MEMLOCK in bytes, `(soft, hard)`,
    -1 for no limit. `clock` is this machine's time when the facts were taken, in seconds since 1970.
    """

    name: str | None = None
    own: tuple[str, ...] | None = None
    unresolved: str | None = None
    named: dict[str, tuple[str, ...]] | None = None
    interfaces: tuple[Interface, ...] | None = None
    routes: tuple[Hop, ...] = ()
    rdma: tuple[RdmaPort, ...] = ()
    ports: tuple[int, int] | None = None
    locked_memory: tuple[int, int] | None = None
    clock: float | None = None

    def interface(self, name: str) -> Interface | None:
        """The interface of exactly this name."""
        return next((i for i in self.interfaces or () if i.name == name), None)

    @property
    def addresses(self) -> frozenset[str]:
        """Every address of this machine."""
        return frozenset(host for i in self.interfaces or () for host in i.hosts)


def is_loopback(address: str) -> bool:
    """Whether an address means the machine itself, on every machine."""
    return address.startswith("127.") or address in ("::1", "localhost", "::ffff:127.0.0.1")
