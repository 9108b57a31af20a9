"""A variable names a network interface that this machine does not have.

`GLOO_SOCKET_IFNAME` holds exact names, and Gloo stops at the first that has no address: `Unable to find address for:
eth1`. It decides even on one machine, because the engines start a Gloo group with their first process group.
`NCCL_SOCKET_IFNAME` holds prefixes (`eth` is `eth0` and `eth1`), exact names after `=`, or exclusions after `^`; where
none is left, NCCL stops with `no socket interface found`. `TP_SOCKET_IFNAME` is for TensorPipe, and exact.

What to do: name the interface that reaches the other machines (`ip -brief address`), or unset the variable.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import conjoined
from doctor.derived.case import Case
from doctor.derived.interfaces import nccl_interfaces, of_real, renamed
from doctor.derived.nodes import elsewhere, group_of, network_of, variable
from doctor.facts import Network
from doctor.findings import NotApplicable, Open, Severity
from doctor.rules.rule import Rule, Verdict

EXACT = {"GLOO_SOCKET_IFNAME": "Gloo", "TP_SOCKET_IFNAME": "TensorPipe"}
NCCL = "NCCL_SOCKET_IFNAME"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Each variable that is set, as the library behind it reads it."""
    network, facts = network_of(case), case.facts
    set_here = {n: v for n in (*EXACT, NCCL) if (v := variable(facts, n))}
    if not set_here:
        yield NotApplicable("no variable names a network interface")
    elif network.interfaces is None:
        yield Open("the network interfaces could not be read")
    elif why := elsewhere(facts):
        yield Open(why)
    else:
        for name, value in set_here.items():
            if found := _problem(network, name, value):
                yield _finding(rule, case, (name, value, found))


def _problem(network: Network, name: str, value: str) -> str | None:
    """What is wrong with the value, as the end of a sentence; None where it is right."""
    if name == NCCL:
        return None if nccl_interfaces(network, value) else "matches no interface that has an address"
    for word in value.split(","):
        found = network.interface(word)
        if found is None:
            return f"needs `{word}`, which is not an interface of this machine"
        if not found.addresses:
            return f"needs `{word}`, which has no address"
    return None


def _finding(rule: Rule, case: Case, parts: tuple[str, str, str]) -> Verdict:
    name, value, problem = parts
    network = network_of(case)
    has = conjoined(f"`{i}`" for i in of_real(network)) or "no interface with an address"
    library = EXACT.get(name, "NCCL")
    spans = group_of(case) is not None
    severity: Severity = "error" if name != "TP_SOCKET_IFNAME" and spans else "warning"
    return rule.about(
        f"`{name}={value}` {problem}: {library} stops at startup. This machine has {has}.",
        *renamed(network, name),
        observed=value, expected=", ".join(of_real(network)) or None, source=f"{name}, rtnetlink", key=name,
        where="network", severity=severity,
    )  # fmt: skip


RULE = Rule(code="NET001", name="interface-missing", severity="error", check=check, needs=("network",))
