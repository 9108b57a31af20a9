"""`fleet run`: starts each rank under `qvl-doctor run` on its node, follows them, and says which failed first."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.base.record import dataclass
from doctor.base.text import clean, one_line
from doctor.findings.fleet import EndRow, FleetRun
from doctor.fleet.carriers import Place
from doctor.fleet.failing import first_failure, is_echo
from doctor.fleet.session import NodeError, Session
from doctor.fleet.wire import line_of
from doctor.pipeline.diagnosis import versions

TICK, QUESTION, ENDING = 0.5, 60.0, 20.0
Line = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Starting:
    """What is started: how a session with a node begins, the launch by rank, and options of `run`.

    `patience` is how many seconds the others are given to end by themselves once one has failed; then they are
    stopped, each with `grace` seconds between SIGTERM and SIGKILL.
    """

    opened: Callable[[Place, Sequence[str]], Session]
    words_of: Callable[[int], Sequence[str]]
    options: Sequence[str] = ()
    grace: float = 10.0
    patience: float = 30.0


class Rank:
    """One rank under way."""

    def __init__(self, place: Place, rank: int) -> None:
        self.place, self.rank = place, rank
        self.session: Session | None = None
        self.end: EndRow | None = None
        self.asked_to_stop = False

    def stop(self) -> None:
        """Asks its node to end the server; the answer is its end. One that has not begun never starts."""
        if self.end is None and not self.asked_to_stop:
            self.asked_to_stop = True
            if self.session is None:
                return
            try:
                self.session.send(line_of({"ask": "stop"}))
            except NodeError:
                return  # its end is on the way


def run_fleet(places: Sequence[Place], starting: Starting, show: Line) -> FleetRun:
    """Returns when all ranks have ended. `show(node, line)` is given what they print. Ctrl-C ends them all."""
    ranks = [Rank(place, number) for number, place in enumerate(places)]
    events: queue.SimpleQueue[tuple[Rank, JsonObject | NodeError]] = queue.SimpleQueue()
    begun = time.monotonic()
    try:
        for one in ranks:
            threading.Thread(target=_follow, args=(one, starting, events), daemon=True).start()
        _until_ended(ranks, events, starting, begun, show)
    except KeyboardInterrupt:
        for one in ranks:
            one.stop()
        _until_ended(ranks, events, replace(starting, patience=0.0), begun, show)
    finally:
        for one in ranks:
            if one.session is not None:
                one.session.close()
    ends = tuple(one.end or EndRow(one.place.name, one.rank, sentence="it did not end") for one in ranks)
    first, why = first_failure(ends)
    return FleetRun(ends, first, versions(), why)


def _follow(
    one: Rank, starting: Starting, events: queue.SimpleQueue[tuple[Rank, JsonObject | NodeError]]
) -> None:
    """Starts a rank, and passes on what its node says."""
    try:
        one.session = session = starting.opened(one.place, ["fleet", "node"])
        words = list(starting.words_of(one.rank))
        if one.asked_to_stop:
            raise NodeError("stopped before its server was started")
        asked = {"ask": "run", "words": words, "options": list(starting.options), "grace": starting.grace}
        events.put((one, session.ask(asked, QUESTION)))
        while True:
            if (said := session.next(3600.0)) is not None:
                events.put((one, said))
                if "ended" in said:
                    return
    except NodeError as error:
        events.put((one, error))


def _until_ended(
    ranks: Sequence[Rank], events: queue.SimpleQueue[tuple[Rank, JsonObject | NodeError]], starting: Starting,
    begun: float, show: Line,
) -> None:  # fmt: skip
    deadline: float | None = None
    last: float | None = None
    while any(one.end is None for one in ranks):
        try:
            one, said = events.get(timeout=TICK)
        except queue.Empty:
            said, one = {}, None
        if one is not None and one.end is None:
            _take(one, said, begun, sum(r.end is not None for r in ranks) + 1, show)
        now = time.monotonic()
        if deadline is None and any(r.end is not None and r.end.status != 0 for r in ranks):
            deadline = now + starting.patience
        if deadline is not None and now > deadline and last is None:
            last = now + starting.grace + ENDING
            for rank in ranks:
                rank.stop()
        if last is not None and now > last:
            return


def _take(one: Rank, said: JsonObject | NodeError, begun: float, order: int, show: Line) -> None:
    """A line, or the end, of one rank. What a node says is bounded and cleaned."""
    seconds = round(time.monotonic() - begun, 2)
    if isinstance(said, NodeError):
        one.end = EndRow(one.place.name, one.rank, None, seconds, str(said), order=order, stopped=one.asked_to_stop)
    elif "line" in said:
        show(one.place.name, clean(str(said["line"]))[:2000])
    elif isinstance(ended := said.get("ended"), dict):
        one.end = _ended(one, ended, seconds, order)


def _ended(one: Rank, ended: dict[str, Any], seconds: float, order: int) -> EndRow:
    status = ended.get("status")
    tail = ended.get("tail")
    lines = tuple(clean(str(line))[:2000] for line in tail[-40:]) if isinstance(tail, list) else ()
    found = one_line(str(ended.get("found")), 300) if ended.get("found") else None
    return EndRow(
        one.place.name, one.rank, status if isinstance(status, int) else None, seconds,
        one_line(str(ended.get("sentence") or f"ended with status {status}"), 300), found, lines,
        one_line(str(ended.get("folder") or ""), 300), one.asked_to_stop, is_echo(lines, found), order,
    )  # fmt: skip
