"""The addresses that the ranks give each other do not connect all of them.

Every pair of ranks opens one Gloo connection, from the higher address to the lower one (as bytes). A rank whose address
is a loopback address is reached by nobody, so that it must have the highest of all; IPv4 and IPv6 do not mix
(`ss1.ss_family == ss2.ss_family`); two machines with one address connect to themselves. If one pair fails, every rank
fails. Measured with torch 2.14 in network namespaces.

What to do: set `GLOO_SOCKET_IFNAME` on each node to the interface that reaches the others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from doctor.derived.fleet import Fleet, Member, named
from doctor.facts.network import is_loopback
from doctor.findings import NotApplicable, Open
from doctor.rules.fleet.rule import FleetRule
from doctor.rules.rule import Verdict

FIX = "set `GLOO_SOCKET_IFNAME` there to the interface that reaches the other nodes"


def check(rule: FleetRule, fleet: Fleet) -> Iterator[Verdict]:
    """All pairs, by their addresses alone; `node-unreachable` tells what lies between."""
    known = [(m, a) for m in fleet.answered if (a := _address(m)) is not None]
    if len(fleet.answered) < 2:
        yield NotApplicable("fewer than two nodes answered")
        return
    if len(known) < len(fleet.answered):
        missing = named(m.name for m in fleet.answered if _address(m) is None)
        yield Open(f"the address of Gloo is not known for {missing}")
    yield from _families(rule, known)
    yield from _loopbacks(rule, known)
    yield from _doubles(rule, known)


def _address(member: Member) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address((member.digest.address if member.digest else None) or "")
    except ValueError:
        return None


Known = list[tuple[Member, "ipaddress.IPv4Address | ipaddress.IPv6Address"]]


def _families(rule: FleetRule, known: Known) -> Iterator[Verdict]:
    four, six = ([m for m, a in known if a.version == version] for version in (4, 6))
    odd = min((four, six), key=len)
    if four and six:
        usual = "IPv6" if odd is four else "IPv4"
        yield rule.finding(
            f"{named(m.name for m in odd)} would use {_shown(odd[0])}, and the other ranks use {usual} addresses.",
            node=odd[0].name, observed=_shown(odd[0]), expected=usual, source="Gloo", key="family", fix=FIX,
        )  # fmt: skip


def _loopbacks(rule: FleetRule, known: Known) -> Iterator[Verdict]:
    """A loopback address is connected to by every higher one of another machine; of equal ones, by one of the two."""
    highest: dict[int, list[tuple[bytes, object]]] = {}
    for member, address in sorted(known, key=lambda pair: pair[1].packed, reverse=True):
        seen = highest.setdefault(address.version, [])  # the highest address of each of two machines is enough
        if len(seen) < 2 and all(machine != _machine(member) for _, machine in seen):
            seen.append((address.packed, _machine(member)))
    for member, address in known:
        others = [packed for packed, machine in highest[address.version] if machine != _machine(member)]
        if not is_loopback(str(address)) or not any(packed >= address.packed for packed in others):
            continue
        why = member.digest.why if member.digest else ""
        yield rule.finding(
            f"{member.name} gives the other ranks {address} ({why}); they cannot connect to it there.",
            node=member.name, observed=str(address), expected="an address that the other nodes reach",
            source="Gloo", fix=FIX,
        )  # fmt: skip


def _machine(member: Member) -> object:
    """Equal for two ranks on one machine, which reach each other at its loopback address."""
    return (member.digest.host, member.digest.addresses) if member.digest else None


def _doubles(rule: FleetRule, known: Known) -> Iterator[Verdict]:
    seen: dict[str, list[Member]] = {}
    for member, address in known:
        if not is_loopback(str(address)):
            seen.setdefault(str(address), []).append(member)
    for text, members in seen.items():
        if len({m.digest.host for m in members if m.digest}) > 1:
            yield rule.finding(
                f"{named(m.name for m in members)} have the same address {text}.",
                node=members[0].name, observed=text, source="Gloo", key=f"double:{text}", fix=FIX,
            )  # fmt: skip


def _shown(member: Member) -> str:
    return (member.digest.address if member.digest else None) or "no address"


RULE = FleetRule("NET023", "gloo-addresses", "error", check)
