"""The nodes start with different NCCL, Gloo or engine variables, or with different commands.

`NCCL_PROTO`, `NCCL_ALGO` and many others must be the same on all ranks: NCCL chooses its steps by them, and ranks that
choose differently wait for each other. Options of the engine must be the same for the same reason. The rank itself, the
node's own address and `CUDA_VISIBLE_DEVICES` are not compared.

What to do: start all ranks from one environment file and one command.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.differences import unlike
from doctor.derived.fleet import Fleet
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """Each kind of node whose settings are unlike those of most."""
    for kind, _, _, lines in unlike(fleet, "environment"):
        yield rule.finding(
            f"{kind.names}: other settings than most nodes ({lines[0]}).", node=kind.members[0].name,
            observed="; ".join(lines), source="environment and command",
        )  # fmt: skip


RULE = FleetRule("NET027", "settings-differ", "warning", check)
