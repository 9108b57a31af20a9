"""The address where the machines of a launch meet is a loopback address, or does not lead to the first of them.

Rank 0 listens at `--master-addr` (vLLM) or `--dist-init-addr` (SGLang, LMDeploy), and every rank connects to it. On
every machine `127.0.0.1` is the machine itself, so that each waits for the others until the timeout; it is what vLLM
uses where `--master-addr` is missing.

What to do: give all ranks one address of the first machine that the others reach.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import manual
from doctor.derived.interfaces import real_interfaces
from doctor.derived.nodes import Group, elsewhere, group_of
from doctor.facts import Network
from doctor.facts.network import is_loopback
from doctor.findings import NotApplicable, Open, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The command's own words; what a name resolves to is this machine's view of it."""
    group = group_of(case)
    if group is None or not group.address_said or group.by_ray:
        yield NotApplicable("the launch runs on one machine" if group is None else "another program names the address")
    elif group.address is None:
        yield _finding(rule, group, f"`{group.address_said}` is missing, and the default is this machine itself", case)
    elif "$" in group.address:
        yield Open(f"the value of `{group.address_said}` is not known")
    elif is_loopback(group.address) or group.address in ("0.0.0.0", "::"):
        yield _finding(rule, group, f"`{group.address_said} {group.address}` means this machine itself", case)
    else:
        yield from _seen_here(rule, case, group, group.address)


def _seen_here(rule: Rule, case: Case, group: Group, address: str) -> Iterator[Verdict]:
    network = case.facts.network
    if not isinstance(network, Network) or network.interfaces is None or elsewhere(case.facts):
        yield Open("nothing is known of the network that the server will use")
        return
    found = (network.named or {}).get(address)
    mine = bool(found) and all(is_loopback(a) or a in network.addresses for a in found or ())
    if found == ():
        yield _finding(rule, group, f"`{address}` cannot be resolved here", case)
    elif found and group.rank not in (None, 0) and all(map(is_loopback, found)):
        yield _finding(rule, group, f"`{address}` resolves to {found[0]} on this machine", case)
    elif found and group.rank == 0 and not mine:
        yield rule.about(
            f"This is rank 0, and `{group.address_said} {address}` is not an address of this machine.",
            _fix(group, network), observed=address, where="network", severity="warning", confidence="medium",
        )  # fmt: skip


def _finding(rule: Rule, group: Group, problem: str, case: Case) -> Verdict:
    network = case.facts.network if isinstance(case.facts.network, Network) else None
    return rule.about(
        f"{problem}, but the launch uses {group.nodes} machines ({group.said}).",
        _fix(group, network), observed=group.address or "127.0.0.1", expected="an address of the first machine",
        source=group.address_said, where="network",
    )  # fmt: skip


def _fix(group: Group, network: Network | None) -> Remediation:
    mine = next((h for i in real_interfaces(network) for h in i.hosts), None) if network and group.rank == 0 else None
    said = f", such as {mine}" if mine else ""
    return manual(f"give every rank `{group.address_said}` with an address of the first machine{said}")


RULE = Rule(code="NET005", name="meeting-address", severity="error", check=check)
