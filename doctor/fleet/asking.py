"""Asks all nodes at once: a digest from each, the facts of one of each kind, and whether they reach each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.derived.case import Case
from doctor.derived.digest import digest_of
from doctor.derived.fleet import Member
from doctor.derived.nodes import group_of
from doctor.facts import Facts
from doctor.facts.codec import FactsError, facts_from_json, from_json
from doctor.facts.network import is_loopback
from doctor.facts.node import Digest, Tried
from doctor.fleet.carriers import Place
from doctor.fleet.digest_line import from_line
from doctor.fleet.session import NodeError, Talk
from doctor.fleet.wire import WireError, unpacked

T = TypeVar("T")
FAN_OUT = 32
MOST_KINDS = 16  # of more, the rest are known by their digests alone
ALL_PAIRS = 24  # nodes up to which each tries each; with more, each tries the first, and its two neighbors
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one node's facts and for each other question, nodes at once, and the port that all listen on."""

    collecting: float = 180.0
    question: float = 30.0
    fan_out: int = FAN_OUT
    port: int = 0


@dataclass(slots=True)
class Asked:
    """A node under way: its session while it is open, and what is known. `ran` is its interpreter that runs doctor."""

    place: Place
    rank: int
    session: Talk | None = None
    digest: Digest | None = None
    facts: Facts | None = None
    reason: str | None = None
    full: bool = False
    tried: tuple[Tried, ...] = ()
    skew: float | None = None
    seconds: float = 0.0
    port: int | None = None
    ran: str | None = None

    def fail(self, error: Exception) -> None:
        """It is out, and the others go on."""
        self.reason = one_line(str(error), 300) or "it did not answer"
        self.end()

    def end(self) -> None:
        """Closes its session."""
        if self.session is not None:
            self.session.close()
            self.session = None

    @property
    def member(self) -> Member:
        """What the rules see."""
        name, found = self.place.name, (self.facts, self.reason, self.full, self.tried, self.skew, self.ran)
        return Member(name, self.rank, self.digest, *found)


@dataclass(frozen=True, slots=True)
class Sent:
    """How a session with a node begins, which raises NodeError, and the words for doctor there by rank."""

    words_of: Callable[[int], Sequence[str]]
    opened: Callable[[Place, Sequence[str]], Talk]


def ask_all(places: Sequence[Place], sent: Sent, limits: Limits, say: Say) -> list[Asked]:
    """All nodes in the order of their ranks."""
    nodes = [Asked(place, rank) for rank, place in enumerate(places)]
    done = [0]

    def first(node: Asked) -> None:
        _digest(node, sent, limits)
        done[0] += 1
        say(f"{done[0]} of {len(nodes)} nodes answered: {node.place.name}{' is silent' if node.reason else ''}")

    try:
        _each(first, nodes, limits)
        say("comparing")
        _each(lambda n: _facts(n, limits), _representatives(nodes), limits)
        _share(nodes)
        say("connecting the nodes with each other")
        connect(nodes, limits)
    finally:
        _each(Asked.end, [n for n in nodes if n.session is not None], limits)
    return nodes


def of_facts(saved: Iterable[tuple[str, Facts | str]]) -> list[Asked]:
    """Nodes of saved facts, or of the reason why they could not be read, in the order of their ranks."""
    out = []
    for rank, (name, facts) in enumerate(saved):
        node = Asked(Place(name, ()), rank)
        if isinstance(facts, str):
            node.reason = facts
        else:
            node.facts, node.digest, node.full = facts, digest_of(facts), True
        out.append(node)
    return out


def _digest(node: Asked, sent: Sent, limits: Limits) -> None:
    begun = time.monotonic()
    try:
        node.session = session = sent.opened(node.place, sent.words_of(node.rank))
        node.ran = session.ran
        before = time.time()
        said = session.ask({"ask": "digest"}, limits.collecting)
        node.digest = from_line(said.get("digest"))
        if node.digest.clock is not None:  # it took them between our question and its answer
            now = time.time()
            late, early = node.digest.clock - before, node.digest.clock - now
            node.skew = 0.0 if early <= 0 <= late else late if late < 0 else early
    except (NodeError, WireError, FactsError) as error:
        node.fail(error)
    node.seconds = time.monotonic() - begun


def _representatives(nodes: Sequence[Asked]) -> list[Asked]:
    """The first node of each kind, of the most frequent kinds."""
    kinds: dict[tuple[str, ...], list[Asked]] = {}
    for node in nodes:
        if node.digest is not None and node.reason is None:
            kinds.setdefault(node.digest.key, []).append(node)
    order = sorted(kinds.values(), key=lambda group: (-len(group), group[0].rank))
    return [group[0] for group in order[:MOST_KINDS]]


def _facts(node: Asked, limits: Limits) -> None:
    if node.session is None:
        return
    try:
        said = node.session.ask({"ask": "facts"}, limits.collecting)
        facts = facts_from_json(unpacked(said.get("facts")))
        if node.digest is None or digest_of(facts).key != node.digest.key:
            raise FactsError("its facts are not those of its digest")
        node.facts, node.full = facts, True
    except (NodeError, WireError, FactsError, TypeError, RecursionError) as error:
        node.digest = None
        node.fail(error)


def _share(nodes: Sequence[Asked]) -> None:
    """Gives the facts of the one that stands for its kind to the others of it."""
    known = {n.digest.key: n.facts for n in nodes if n.facts is not None and n.digest is not None}
    for node in nodes:
        if node.facts is None and node.digest is not None:
            node.facts = known.get(node.digest.key)


def connect(nodes: Sequence[Asked], limits: Limits) -> None:
    """Each opens a port, then tries those of the others that it is to reach."""
    here = [n for n in nodes if n.session is not None and n.digest is not None]
    if len(here) < 2:
        return

    def listen(node: Asked) -> None:
        said = _quietly(node, {"ask": "listen", "port": limits.port}, limits)
        port = said.get("port") if said else None
        node.port = port if isinstance(port, int) and 0 < port < 65536 else None

    _each(listen, here, limits)
    ready = [n for n in here if n.port is not None]
    meeting = _meeting(ready, limits)

    def attempts(node: Asked) -> None:
        peers = [[o.place.name, address_of(o), o.port] for o in _partners(node, ready) if address_of(o)]
        peers += [meeting] if meeting and meeting[0] != node.place.name else []
        said = _quietly(node, {"ask": "connect", "to": peers}, limits) if peers else None
        try:
            tried = from_json(tuple[Tried, ...], said.get("tried"), "its connections") if said else ()
        except FactsError:
            tried = ()
        names = {p[0] for p in peers}
        node.tried = tuple(t for t in tried[: len(peers)] if t.to in names)

    _each(attempts, ready, limits)


def _meeting(ready: Sequence[Asked], limits: Limits) -> list[Any] | None:
    """Where the ranks of the launch meet, if rank 0 answered, has a launch that says so, and the port is free there."""
    first = next((n for n in ready if n.rank == 0 and n.facts is not None), None)
    group = group_of(Case(first.facts)) if first and first.facts else None
    if first is None or group is None or group.address is None or group.port is None or is_loopback(group.address):
        return None
    if _quietly(first, {"ask": "listen", "port": group.port}, limits) is None:
        return None
    return [first.place.name, group.address, group.port]


def address_of(node: Asked) -> str | None:
    """Where the others reach it: the address that Gloo gives them, else its first real one."""
    digest = node.digest
    if digest is None:
        return None
    if digest.address and not is_loopback(digest.address):
        return digest.address
    return next(iter(digest.addresses), None)


def _partners(node: Asked, ready: Sequence[Asked]) -> list[Asked]:
    if len(ready) <= ALL_PAIRS:
        return [o for o in ready if o is not node]
    at = ready.index(node)
    chosen = {0, (at + 1) % len(ready), (at - 1) % len(ready)} - {at}
    return [ready[i] for i in sorted(chosen)]


def _quietly(node: Asked, message: dict[str, Any], limits: Limits) -> dict[str, Any] | None:
    """The answer; None where the node has a problem with this question, which is no reason to lose it."""
    try:
        return node.session.ask(message, limits.question) if node.session else None
    except NodeError:
        return None


def _each(work: Callable[[Asked], T], nodes: Sequence[Asked], limits: Limits) -> None:
    if nodes:
        with ThreadPoolExecutor(max_workers=min(limits.fan_out, len(nodes))) as pool:
            list(pool.map(work, nodes))
