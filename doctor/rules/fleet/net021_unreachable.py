"""A node cannot connect to another one.

Doctor opens a listening port on each node and connects to it from the others, so that this is what the ranks will see.
Every rank connects to the first one, and Gloo and NCCL connect the ranks with each other on ports that the system
chooses (`net.ipv4.ip_local_port_range`); a firewall that opens single ports is not enough. `refused` means that a
machine answered and nobody listened there: another machine has this address, or a firewall rejects.

What to do: open TCP between the nodes, correct the route, or name the interface that reaches the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.fleet import Fleet, named
from doctor.facts.node import Tried
from doctor.findings import NotApplicable
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """One finding for each node that others do not reach, or that reaches nobody."""
    tried = [(m.name, t) for m in fleet.members for t in m.tried]
    if not tried:
        yield NotApplicable("no connections were tried between the nodes")
        return
    failed = [(name, t) for name, t in tried if t.how != "ok"]
    cut = {m.name for m in fleet.members if m.tried and all(t.how != "ok" for t in m.tried)}
    for name in sorted(cut):
        mine = [t for n, t in failed if n == name]
        yield rule.finding(
            f"{name} reaches none of the other nodes ({named(_text(t) for t in mine)}).",
            node=name, observed=mine[0].how, expected="ok", source="connect", key=f"from:{name}",
            fix=f"correct the route or the firewall of {name}",
        )  # fmt: skip
    by_target: dict[tuple[str, str, str], list[str]] = {}
    for name, t in failed:
        if name not in cut:
            by_target.setdefault((t.to, t.address, t.how), []).append(name)
    for (to, address, how), names in by_target.items():
        yield rule.finding(
            f"{named(names)} cannot connect to {to} at {address}: {how}.",
            node=to, observed=how, expected="ok", source="connect", key=f"to:{to}:{how}",
            fix=f"open TCP to {to} from the other nodes",
        )  # fmt: skip


def _text(tried: Tried) -> str:
    return f"{tried.address} {tried.how}"


RULE = FleetRule("NET021", "node-unreachable", "error", check)
