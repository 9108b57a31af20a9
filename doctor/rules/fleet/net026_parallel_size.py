"""The nodes together do not have the GPUs that the launch takes, or it is for another number of nodes.

The product of tensor, pipeline and data parallelism is the number of GPUs. With fewer, the launch waits for ranks that
never come; with another `--nnodes` than there are nodes, all of them do.

What to do: change the parallel sizes, or the number of nodes.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import plural
from doctor.derived.case import Case
from doctor.derived.fleet import Fleet
from doctor.derived.nodes import group_of
from doctor.facts import Gpu
from doctor.findings import NotApplicable, Open
from doctor.launch.memory_settings import settings
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """By the launch of the first node that answered."""
    first = next((m for m in fleet.answered if m.facts is not None), None)
    group = group_of(Case(first.facts)) if first and first.facts else None
    if first is None or first.facts is None or group is None:
        yield NotApplicable("no launch on several nodes was given")
        return
    if group.nodes != len(fleet.members) and group.said.startswith("-"):
        yield rule.finding(
            f"The launch is for {group.nodes} nodes ({group.said}), and {len(fleet.members)} are given.",
            observed=str(len(fleet.members)), expected=str(group.nodes), source=group.said, key="nodes",
            fix=f"set {group.said.partition(' ')[0]} to {len(fleet.members)}, or name other nodes",
        )  # fmt: skip
    wanted = settings(first.facts).gpus
    known = [m.facts.gpu for m in fleet.answered if m.facts and isinstance(m.facts.gpu, Gpu)]
    counts = [len(gpu.usable) for gpu in known if gpu.devices]  # without any, its driver is the cause, and named
    if len(counts) < len(fleet.members):
        yield Open("the GPUs of some nodes are not known")
    elif sum(counts) < wanted:
        yield rule.finding(
            f"The launch takes {plural(wanted, 'GPU')}, and the {len(fleet.members)} nodes have {sum(counts)}.",
            observed=str(sum(counts)), expected=str(wanted), source="NVML, parallel sizes", key="gpus",
            fix="lower the parallel sizes, or add nodes",
        )  # fmt: skip


RULE = FleetRule("NET026", "parallel-size", "error", check)
