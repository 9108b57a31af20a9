"""The clock of a node is not that of the others.

Connections do not need equal clocks, and an all-reduce works without them. Certificates, tokens of object stores and
timeouts that are given as times of day do, and logs of different nodes cannot be compared.

What to do: run `chronyc tracking` or `timedatectl` there, and start a time service.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.fleet import Fleet
from doctor.findings import NotApplicable
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict

SECONDS = 5.0


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """Against the middle of all: this machine's own clock may be the wrong one."""
    ahead = sorted(m.skew for m in fleet.answered if m.skew is not None)
    if len(ahead) < 2:
        yield NotApplicable("the clocks were not compared")
        return
    middle = ahead[(len(ahead) - 1) // 2]
    for member in fleet.answered:
        if member.skew is not None and abs(member.skew - middle) > SECONDS:
            off = member.skew - middle
            yield rule.finding(
                f"The clock of {member.name} is {abs(off):.0f} seconds {'ahead' if off > 0 else 'behind'}.",
                node=member.name, observed=f"{off:+.0f} s", expected="0 s", source="time of each node",
            )  # fmt: skip


RULE = FleetRule("NET028", "clock", "warning", check)
