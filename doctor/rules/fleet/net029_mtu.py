"""The interfaces of the nodes have different MTUs.

TCP agrees on the smaller size when it connects, so that an all-reduce works where every hop passes the larger frames or
says that it does not. Where a switch drops them silently, connections open and large transfers hang; RoCE agrees on
nothing.

What to do: set one MTU on all nodes and on the switch between them.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.fleet import Fleet, named
from doctor.facts.network import is_loopback
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """The interface that Gloo takes on each node."""
    seen: dict[int, list[str]] = {}
    for member in fleet.answered:
        digest = member.digest
        if digest and digest.mtu and digest.address and not is_loopback(digest.address):
            seen.setdefault(digest.mtu, []).append(member.name)
    if len(seen) > 1:
        usual = max(seen, key=lambda mtu: (len(seen[mtu]), mtu))
        for mtu, names in seen.items():
            if mtu != usual:
                yield rule.finding(
                    f"{named(names)}: MTU {mtu}, most nodes have {usual}.", node=names[0], observed=str(mtu),
                    expected=str(usual), source="rtnetlink",
                )  # fmt: skip


RULE = FleetRule("NET029", "mtu-differs", "warning", check)
