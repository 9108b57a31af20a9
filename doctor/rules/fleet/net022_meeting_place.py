"""The address where the ranks meet is not one of the first node.

Rank 0 listens at `--master-addr` (vLLM) or `--dist-init-addr` (SGLang, LMDeploy), and every rank connects to it, rank 0
too. An address of another node, or one that means something else on each node, ends in a timeout on all of them.

What to do: give every rank an address of the first node.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.fleet import Fleet, Member, named
from doctor.derived.nodes import group_of
from doctor.facts import Network
from doctor.facts.network import is_loopback
from doctor.findings import NotApplicable
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """By the addresses that the nodes say they have, and by how each resolves the name."""
    kinds = [group_of(Case(k.facts)) for k in fleet.kinds if k.facts is not None]
    said = {g.address for g in kinds if g is not None and g.address}
    first = next((m for m in fleet.answered if m.rank == 0), None)
    if not said or first is None or first.digest is None:
        yield NotApplicable("the launch does not name an address where the ranks meet")
        return
    if len(said) > 1:
        yield rule.finding(
            f"The nodes are given different addresses to meet: {named(sorted(str(s) for s in said))}.",
            observed=", ".join(sorted(str(s) for s in said)), key="different", fix="give all ranks one address",
        )  # fmt: skip
        return
    address = next(iter(said)) or ""
    for member in fleet.answered:
        found = _resolved(member, address)
        wrong = next((a for a in found if member is not first and is_loopback(a)), None)
        if found == ():
            yield _finding(rule, member, f"{member.name} cannot resolve `{address}`")
        elif wrong:
            yield _finding(rule, member, f"{member.name} resolves `{address}` to {wrong}, which is itself")
    mine = {*first.digest.addresses, "127.0.0.1"}
    numeric = [a for a in _resolved(first, address) if not is_loopback(a)]
    holder = next((m for m in fleet.answered if m.digest and set(numeric) & set(m.digest.addresses)), None)
    if numeric and not mine & set(numeric):
        where = f"; {holder.name} has it" if holder else ""
        yield _finding(rule, first, f"`{address}` is not an address of {first.name}, which is rank 0{where}")


def _resolved(member: Member, address: str) -> tuple[str, ...]:
    """What the name means on this node; itself for an address, and where it is not known."""
    network = member.facts.network if member.full and member.facts else None
    if isinstance(network, Network) and network.named is not None and address in network.named:
        return network.named[address]
    return (address,) if address.replace(".", "").isdigit() or ":" in address else ("?",)


def _finding(rule: FleetRule, member: Member, problem: str) -> Verdict:
    return rule.finding(
        f"{problem}.", node=member.name, source="addresses of the nodes", fix="give every rank an address of rank 0"
    )


RULE = FleetRule("NET022", "meeting-place", "error", check)
