"""What to start on each node, ready to paste: the launch with its rank, and the variables that are its own."""

from __future__ import annotations

import shlex

from doctor.derived.case import Case
from doctor.derived.digest import decides
from doctor.derived.fleet import Fleet, Member
from doctor.derived.nodes import group_of, variable
from doctor.facts import Facts, Launch, Network
from doctor.facts.network import is_loopback
from doctor.findings import Action
from doctor.launch.edit import edited
from doctor.launch.options import engine
from doctor.matrix.engines import engine_row

RANK = "1073741823"  # stands for the rank until it is known which


def start_lines(fleet: Fleet) -> dict[str, str]:
    """The line of each node that answered; nothing where no launch on several nodes was given."""
    first = next((m for m in fleet.answered if m.rank == 0), None)
    out, made = dict[str, str](), dict[int, Launch | None]()
    for member in fleet.answered:
        if member.facts is None:
            continue
        if id(member.facts) not in made:  # one for each kind: reading the words again takes a millisecond
            made[id(member.facts)] = _launch(member.facts, first, len(fleet.members))
        launch = made[id(member.facts)]
        if launch is not None:
            words = shlex.join(str(member.rank) if w == RANK else w for w in launch.argv)
            given = {n: v for n, v in launch.environ.items() if decides(n)}
            variables = {**given, **_variables(member, member.facts)}
            out[member.name] = " ".join([*(f"{n}={shlex.quote(v)}" for n, v in variables.items()), words])
    return out


def ranked(launch: Launch, version: str | None, rank: int) -> Launch:
    """The launch with this rank, where its engine numbers the nodes; else itself."""
    name = engine_row(launch.engine).option("group_place")
    return edited(launch, [Action("set_argument", name=name, value=str(rank))], version) if name else launch


def _launch(facts: Facts, first: Member | None, count: int) -> Launch | None:
    """The launch of one kind of node, with RANK where the rank goes; None where it is not one on several nodes."""
    launch, group = facts.launch, group_of(Case(facts))
    if not isinstance(launch, Launch) or launch.engine is None or group is None:
        return None
    row = engine_row(launch.engine)
    place, address = row.option("group_place"), row.option("group_address")
    if place is None:
        return launch
    wanted = [(row.option("group_size"), str(count)), (place, RANK)]
    meeting = next(iter(first.digest.addresses), None) if first and first.digest else None
    if meeting and (group.address is None or is_loopback(group.address)):
        with_port = row.option("group_port") is None
        wanted.append((address, f"{meeting}:{group.port or 20000}" if with_port else meeting))
    actions = [Action("set_argument", name=n, value=v) for n, v in wanted if n]
    return edited(launch, actions, facts.version(engine(facts)))


def _variables(member: Member, facts: Facts) -> dict[str, str]:
    """The interface of the node's first real address, where Gloo would take another one."""
    digest = member.digest
    if digest is None or not digest.address or not is_loopback(digest.address) or not digest.addresses:
        return {}
    links = facts.network.interfaces if isinstance(facts.network, Network) and member.full else ()
    found = next((i.name for i in links or () if digest.addresses[0] in i.hosts), None)
    asked = variable(facts, "GLOO_SOCKET_IFNAME")
    return {"GLOO_SOCKET_IFNAME": found} if found and found != asked else {}
