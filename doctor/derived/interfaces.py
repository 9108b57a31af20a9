"""Which interface and address a library takes on a machine, as its sources and its variables have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from doctor.derived.host import manual
from doctor.facts import Network
from doctor.facts.network import Interface, is_loopback
from doctor.findings import Action, Remediation


def gloo_address(network: Network, setting: str | None) -> tuple[str | None, str]:
    """The address that torch's Gloo gives to the other ranks, and where it comes from; None where that is not known.

    torch/csrc/distributed/c10d/ProcessGroupGloo.cpp: the first interface of GLOO_SOCKET_IFNAME, by its exact name;
    else the first address of the own name that can be bound here; else the loopback interface.
    """
    if setting:
        first = setting.split(",")[0]
        found = network.interface(first)
        return (found.hosts[0] if found and found.hosts else None), f"GLOO_SOCKET_IFNAME={first}"
    name = f"its own name `{network.name}`"
    if network.own is None and (network.unresolved is None or network.unresolved.startswith(("no answer", "the res"))):
        return None, name
    if network.own and network.interfaces is None:
        return (network.own[0] if is_loopback(network.own[0]) else None), name
    here = [a for a in network.own or () if is_loopback(a) or a in network.addresses]
    if here:
        return here[0], name
    return "127.0.0.1", f"the loopback interface, because {name} has no address of this machine"


def nccl_interfaces(network: Network, setting: str) -> list[Interface]:
    """The interfaces that NCCL_SOCKET_IFNAME leaves, of those that are switched on and have an address.

    NCCL src/misc/socket.cc: ncclFindInterfaces().
    """
    usable = [i for i in network.interfaces or () if i.up and i.addresses]
    left = set(selected([i.name for i in usable], setting))
    return [i for i in usable if i.name in left]


def selected(names: Iterable[str], setting: str) -> list[str]:
    """What NCCL's list of names leaves of `names`: prefixes, exact names after `=`, and all others after `^`.

    NCCL src/misc/param.cc and utils.cc: parseStringList(), matchIfList(); a `:port` behind a name is not compared here.
    """
    without = setting.startswith("^")
    body = setting.removeprefix("^")
    exact = body.startswith("=")
    listed = [n.partition(":")[0] for n in body.removeprefix("=").split(",") if n]

    def fits(name: str) -> bool:
        return any(name == n if exact else name.startswith(n) for n in listed)

    return [name for name in names if fits(name) != without]


def real_interfaces(network: Network) -> Iterator[Interface]:
    """Those that another machine may reach: switched on, with an address that is not link-local, not loopback."""
    for interface in network.interfaces or ():
        usable = [a for a in interface.hosts if not a.startswith(("fe80:", "169.254."))]
        if interface.up and not interface.loopback and usable:
            yield interface


def addresses_for_others(network: Network) -> tuple[str, ...]:
    """The addresses that another machine may reach; last those on the loopback interface that are not loopback ones."""
    links = sorted((i for i in network.interfaces or () if i.up), key=lambda i: i.loopback)
    return tuple(h for i in links for h in i.hosts if not is_loopback(h) and not h.startswith(("fe80:", "169.254.")))


def of_real(network: Network) -> tuple[str, ...]:
    """The names of `real_interfaces`, eight at most."""
    return tuple(i.name for i in real_interfaces(network))[:8]


def renamed(network: Network | None, name: str) -> Iterator[Remediation]:
    """The variable set to this machine's interface, where only one reaches the others; else a person chooses."""
    real = of_real(network) if network else ()
    if len(real) == 1:
        yield Remediation(f"Set `{name}={real[0]}`", (Action("set_env", name=name, value=real[0]),), "safe")
    else:
        yield manual(f"set `{name}` to the interface that reaches the other machines")
