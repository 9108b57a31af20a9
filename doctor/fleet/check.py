"""`fleet check`: asks the nodes, or reads saved facts, and gives the answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from doctor.base.files import Files, Unreadable
from doctor.collect.python.target import TargetRequest
from doctor.derived.fleet import Member
from doctor.facts import Facts, Launch
from doctor.facts.codec import FactsError, facts_from_json
from doctor.findings.fleet import FleetReport
from doctor.fleet.asking import Asked, Say, Sent, ask_all, of_facts
from doctor.fleet.lines import ranked
from doctor.fleet.places import Asking
from doctor.fleet.reached import reached
from doctor.launch.edit import as_given
from doctor.pipeline.launch import read_launch
from doctor.pipeline.request import Request

LARGEST = 256 << 20  # a facts file


def check_fleet(asking: Asking, say: Say) -> FleetReport:
    """The answer; `say` is told how far it is. Raises CarrierError, and what `check` raises."""
    begun = time.monotonic()
    threading.Thread(target=_rules, daemon=True).start()
    nodes = _saved(asking) if asking.files else _asked(asking, say)
    say("")
    spent = time.monotonic() - begun
    answer = _rules()
    return answer([n.member for n in nodes], spent, max((n.seconds for n in nodes), default=0.0))


def _rules() -> Callable[[Sequence[Member], float, float], FleetReport]:
    """What judges: its modules are loaded while the nodes collect."""
    from doctor.fleet.judging import answer

    return answer


def _asked(asking: Asking, say: Say) -> list[Asked]:
    found = reached(asking)
    lines = ranked_launch(asking)

    def words_of(rank: int) -> list[str]:
        line = lines(rank)
        return ["fleet", "node", *asking.words, *(["--", *line] if line else [])]

    say(f"asking {len(found.places)} nodes")
    return ask_all(found.places, Sent(words_of, found.opened), asking.limits, say)


def ranked_launch(asking: Asking, *, whole: bool = False) -> Callable[[int], tuple[str, ...]]:
    """The words of each rank, where the engine numbers the nodes; else those that were given, for all.

    `{rank}` in a word is the rank, for programs that we do not read. `whole`: with secrets, to start a server.
    """
    found = read_launch(Request(TargetRequest(), asking.launch), whole=whole) if asking.launch else None
    launch = found if isinstance(found, Launch) and found.engine is not None else None

    def of_rank(rank: int) -> tuple[str, ...]:
        line = as_given(launch, ranked(launch, None, rank)) if launch is not None else ()
        return line or tuple(word.replace("{rank}", str(rank)) for word in asking.launch)

    return of_rank


def _saved(asking: Asking) -> list[Asked]:
    return of_facts((name, _read(name, rank, asking.launch)) for rank, name in enumerate(asking.files))


def _read(path: str, rank: int, words: tuple[str, ...]) -> Facts | str:
    """The facts of a file, with the launch of its rank where one is given; a sentence where they cannot be read."""
    try:
        facts = facts_from_json(json.loads(Files().read(path, LARGEST)))
    except Unreadable as error:
        return f"the file {error}"
    except (FactsError, ValueError, RecursionError, TypeError) as error:
        return f"not a facts file of this version: {str(error)[:200]}"
    if not words:
        return facts
    launch = read_launch(Request(TargetRequest(), words))
    if not isinstance(launch, Launch):
        return facts
    return replace(facts, launch=ranked(launch, facts.version(launch.engine), rank))
