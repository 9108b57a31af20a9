"""The processes of a run, put together from the journal: when each was born and ended, and which one failed first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from doctor.findings.run import Ending, FirstFailure, Life, Survivor
from doctor.run.story import endings
from doctor.run.story.events import Born, Event, Exit, Hidden, Start, Survivors


def lives(events: Sequence[Event]) -> list[Life]:
    """One entry a process, in the order of birth; a renamed one keeps its last name."""
    out: dict[tuple[int, int], Life] = {}
    main = next((e.pid for e in events if isinstance(e, Start)), None)
    hidden = {e.pid for e in events if isinstance(e, Hidden)}
    for event in events:
        if not isinstance(event, (Born, Exit)):
            continue
        key = event.pid, event.start
        life = out.get(key) or Life(event.pid, main=event.pid == main)
        out[key] = _born(life, event) if isinstance(event, Born) else _ended(life, event)
    return [replace(life, after_request=False) if life.pid in hidden else life for life in out.values()]


def _born(life: Life, event: Born) -> Life:
    return replace(
        life, ppid=event.ppid, title=event.title, cmd=event.command, program=event.program,
        seen_after=event.t if life.seen_after is None else life.seen_after,
    )  # fmt: skip


def _ended(life: Life, event: Exit) -> Life:
    end = endings.ending(event.status)
    return replace(
        life, exited_after=event.t, peak_memory=event.peak, exit_code=end.exit_code, signal=end.signal,
        signal_name=end.signal_name, core_dumped=end.core_dumped, after_request=bool(event.after_request),
    )  # fmt: skip


def ending_of(life: Life) -> Ending:
    """How one process ended."""
    return Ending(life.exit_code, life.signal, life.signal_name, life.core_dumped)


def first_failure(processes: Sequence[Life]) -> FirstFailure | None:
    """The process that went wrong first.

    A helper of another program (`gcc`, `sh`) that merely said no is passed over, as long as a process of the server's
    own program qualifies, or one that a signal ended.
    """
    main = next((p for p in processes if p.main), None)
    bad = [(p.exited_after, p) for p in processes if p.exited_after is not None and p.exit_code != 0]
    bad = sorted(((t, p) for t, p in bad if not p.after_request), key=lambda one: (one[0], one[1].main))
    own = [(t, p) for t, p in bad if p.signal or p.main or (main and p.program == main.program)]
    if not bad:
        return None
    after, first = (own or bad)[0]
    return FirstFailure(
        first.pid, first.cmd, first.title, first.signal_name, first.exit_code, first.core_dumped, after,
        endings.sentence(ending_of(first)),
    )  # fmt: skip


def survivors(events: Sequence[Event], processes: Sequence[Life]) -> tuple[Survivor, ...]:
    """What lived when doctor left."""
    listed = next((e.pids for e in reversed(events) if isinstance(e, Survivors)), ())
    return tuple(Survivor(p.pid, p.cmd, p.title) for p in processes if p.pid in listed and p.exited_after is None)
