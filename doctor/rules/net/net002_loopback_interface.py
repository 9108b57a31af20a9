"""The launch uses several machines, and a variable sends their traffic to the loopback interface.

With `GLOO_SOCKET_IFNAME=lo` or `NCCL_SOCKET_IFNAME=lo`, a process gives `127.0.0.1` to the others as its address, and
each of them then connects to itself. Initialization fails after its timeout, which is 30 minutes by default. Gloo
connects from the higher address to the lower one, so a single rank on `lo` can work where all others have addresses
below `127`; `qvl-doctor fleet check` compares all of them.

What to do: name the interface that reaches the other machines (`ip -brief address`), or unset the variable.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.interfaces import nccl_interfaces, renamed
from doctor.derived.nodes import group_of, variable
from doctor.facts import Network
from doctor.facts.network import LOOPBACK_NAME
from doctor.findings import NotApplicable
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Gloo's first interface, and all of those that are left to NCCL."""
    group = group_of(case)
    if group is None:
        yield NotApplicable("the launch runs on one machine")
        return
    network = case.facts.network if isinstance(case.facts.network, Network) else None
    for name, library in (("GLOO_SOCKET_IFNAME", "Gloo"), ("NCCL_SOCKET_IFNAME", "NCCL")):
        value = variable(case.facts, name)
        if value and _is_loopback(network, name, value):
            yield rule.about(
                f"`{name}={value}` makes {library} use the loopback interface, but the launch uses {group.nodes} "
                f"machines ({group.said}): the others cannot reach this one.",
                *renamed(network, name),
                observed=value, expected="an interface that reaches the other machines", source=name, key=name,
                where="network",
            )  # fmt: skip


def _is_loopback(network: Network | None, name: str, value: str) -> bool:
    """`lo`, or what this machine says is one."""
    if name.startswith("GLOO"):
        first = value.split(",")[0]
        found = network.interface(first) if network else None
        return first == LOOPBACK_NAME or (found is not None and found.loopback)
    if network is None or network.interfaces is None:
        return value.removeprefix("=") == LOOPBACK_NAME
    left = nccl_interfaces(network, value)
    return bool(left) and all(i.loopback for i in left)


RULE = Rule(code="NET002", name="loopback-interface", severity="error", check=check)
