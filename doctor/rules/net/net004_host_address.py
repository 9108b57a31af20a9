"""The launch uses several machines, and the variable for this one's address holds an address that it does not have.

vLLM gives `VLLM_HOST_IP` to the other machines and binds sockets to it; SGLang reads `SGLANG_HOST_IP`.
With a loopback address the others connect to themselves; with another machine's address, which happens when one line is
copied to all of them, binding fails with `Cannot assign requested address`, and Ray's executor says
`Every node should have a unique IP address`.

What to do: set it to an address of this machine that the others reach, or unset it.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual
from doctor.derived.interfaces import real_interfaces
from doctor.derived.nodes import elsewhere, group_of, variable
from doctor.facts import Network
from doctor.facts.network import is_loopback
from doctor.findings import NotApplicable
from doctor.launch.options import engine
from doctor.matrix.engines import engine_row
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The variable of this engine, by its file in the data."""
    group, facts = group_of(case), case.facts
    name = engine_row(engine(facts)).variables.get("host_address", "")
    value = variable(facts, name) or ""
    if group is None or not value:
        yield NotApplicable("the launch runs on one machine" if group is None else "no variable sets this address")
        return
    network = facts.network if isinstance(facts.network, Network) else None
    here = network.addresses if network and network.interfaces is not None and not elsewhere(facts) else None
    if is_loopback(value):
        problem = f"is a loopback address, but the launch uses {group.nodes} machines ({group.said})"
    elif here and _is_numeric(value) and value not in here:
        problem = "is not an address of this machine"
    else:
        return
    usable = sorted(h for i in real_interfaces(network) for h in i.hosts) if network else []
    yield rule.about(
        f"`{name}={value}` {problem}.",
        manual(f"set `{name}` to an address that the other machines reach, or unset it"),
        observed=value, expected=", ".join(usable) or None, source=name, key=name, where="network",
        severity="error" if is_loopback(value) or group.rank in (None, 0) else "warning",
    )  # fmt: skip


def _is_numeric(text: str) -> bool:
    return bool(text) and all(c in "0123456789abcdefABCDEF.:" for c in text)


RULE = Rule(code="NET004", name="host-address", severity="error", check=check)
