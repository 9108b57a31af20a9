"""What to start on each node, ready to paste: the launch with its rank, and the variables that are its own."""

from __future__ import annotations

import shlex

from doctor.derived.case import Case
from doctor.derived.fleet import Fleet, Member
from doctor.derived.nodes import group_of, variable
from doctor.facts import Facts, Launch, Network
from doctor.facts.network import is_loopback
from doctor.findings import Action
from doctor.launch.edit import edited
from doctor.launch.options import engine
from doctor.matrix.engines import engine_row


def start_lines(fleet: Fleet) -> dict[str, str]:
    """The line of each node that answered; nothing where no launch on several nodes was given."""
    first = next((m for m in fleet.answered if m.rank == 0), None)
    out = {}
    for member in fleet.answered:
        if member.facts is not None and (line := _line(member, member.facts, first, len(fleet.members))):
            out[member.name] = line
    return out


def ranked(launch: Launch, version: str | None, rank: int) -> Launch:
    """The launch with this rank, where its engine numbers the nodes; else itself."""
    name = engine_row(launch.engine).option("group_place")
    return edited(launch, [Action("set_argument", name=name, value=str(rank))], version) if name else launch


def _line(member: Member, facts: Facts, first: Member | None, count: int) -> str | None:
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine is None or group_of(Case(facts)) is None:
        return None
    row, version = engine_row(launch.engine), facts.version(engine(facts))
    actions = [Action("set_argument", name=n, value=v) for n, v in _group(facts, first, count, member.rank) if n]
    if row.option("group_place") is None:
        actions = []
    now = edited(launch, actions, version)
    variables = {**launch.environ, **_variables(member, facts)}
    return " ".join([*(f"{n}={shlex.quote(v)}" for n, v in variables.items()), shlex.join(now.argv)])


def _group(facts: Facts, first: Member | None, count: int, rank: int) -> list[tuple[str | None, str]]:
    row, group = engine_row(engine(facts)), group_of(Case(facts))
    out = [(row.option("group_size"), str(count)), (row.option("group_place"), str(rank))]
    meeting = next(iter(first.digest.addresses), None) if first and first.digest else None
    if group and meeting and (group.address is None or is_loopback(group.address)):
        name = row.option("group_address")
        with_port = name is not None and row.option("group_port") is None
        out.append((name, f"{meeting}:{group.port or 20000}" if with_port else meeting))
    return out


def _variables(member: Member, facts: Facts) -> dict[str, str]:
    """The interface of the node's first real address, where Gloo would take another one."""
    digest = member.digest
    if digest is None or not digest.address or not is_loopback(digest.address) or not digest.addresses:
        return {}
    links = facts.network.interfaces if isinstance(facts.network, Network) and member.full else ()
    found = next((i.name for i in links or () if digest.addresses[0] in i.hosts), None)
    asked = variable(facts, "GLOO_SOCKET_IFNAME")
    return {"GLOO_SOCKET_IFNAME": found} if found and found != asked else {}
