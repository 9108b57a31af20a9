"""The launch uses several machines, and this one's own name resolves to a loopback address.

Without `GLOO_SOCKET_IFNAME`, Gloo takes the address that the machine's own name resolves to and gives it to the other
processes. Debian and Ubuntu write `127.0.1.1 <name>` into `/etc/hosts`; a name that cannot be resolved has the same
effect, because Gloo then uses the loopback interface. The others connect to themselves, and initialization fails after
its timeout. Gloo connects from the higher address to the lower one: among addresses such as `10.0.0.5`, a single
machine with this fault still works, and two of them do not.

What to do: set `GLOO_SOCKET_IFNAME` to the interface that reaches the other machines, or correct `/etc/hosts`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.interfaces import gloo_address, real_interfaces, renamed
from doctor.derived.nodes import elsewhere, group_of, network_of, variable
from doctor.facts import Network
from doctor.facts.network import is_loopback
from doctor.findings import NotApplicable, Open
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """An error where the others, whose addresses are like this machine's, connect to it and not it to them."""
    group, network = group_of(case), network_of(case)
    if group is None or variable(case.facts, "GLOO_SOCKET_IFNAME"):
        yield NotApplicable("the launch runs on one machine" if group is None else "GLOO_SOCKET_IFNAME decides")
        return
    if why := elsewhere(case.facts):
        yield Open(why)
        return
    address, origin = gloo_address(network, None)
    if address is None:
        yield Open(f"what {network.name} resolves to is not known: {network.unresolved or 'nobody asked'}")
    elif is_loopback(address):
        sure = _connected_to(network, address)
        yield rule.about(
            f"Gloo takes {address} from {origin}; the launch uses {group.nodes} machines ({group.said}), and the "
            f"others {'cannot' if sure else 'may not'} reach it there.",
            *renamed(network, "GLOO_SOCKET_IFNAME"),
            observed=address, expected="an address that the other machines reach", source="/etc/hosts, resolver",
            where="/etc/hosts", severity="error" if sure else "warning", confidence="high" if sure else "medium",
        )  # fmt: skip


def _connected_to(network: Network, address: str) -> bool:
    """Whether machines with addresses like this one's would connect to the loopback address: it is lower."""
    hosts = [ipaddress.ip_address(h) for i in real_interfaces(network) for h in i.hosts]
    same = [h for h in hosts if h.version == ipaddress.ip_address(address).version]
    return bool(hosts) and all(h.packed > ipaddress.ip_address(address).packed for h in same)


RULE = Rule(code="NET003", name="own-name-loopback", severity="error", check=check, needs=("network",))
