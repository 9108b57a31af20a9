"""The nodes do not have the same GPUs or drivers.

The ranks share the model evenly: the smallest GPU limits all, and the slowest one sets the pace. Different compute
capabilities choose different kernels, which some engines refuse.

What to do: use nodes of one kind, or size the launch for the smallest GPU.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.differences import unlike
from doctor.derived.fleet import Fleet
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """A warning each for GPUs and for drivers."""
    for section, what in (("gpu", "GPUs"), ("driver", "driver")):
        for kind, _, _, lines in unlike(fleet, section):
            yield rule.finding(
                f"{kind.names}: not the {what} of most nodes ({lines[0]}).", node=kind.members[0].name,
                observed="; ".join(lines), source="NVML", key=f"{section}:{kind.members[0].name}",
            )  # fmt: skip


RULE = FleetRule("NET025", "gpus-differ", "warning", check)
