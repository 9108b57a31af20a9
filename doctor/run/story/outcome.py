"""How the server ended, from the journal: what nobody saw is called unobserved, and never guessed."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.base.record import dataclass
from doctor.findings.run import Ending, Life, Outcome
from doctor.run.story import endings
from doctor.run.story.events import End, Event, Hidden, Refused, Start, first
from doctor.run.story.lives import ending_of
from doctor.run.watch.proc import read_stat


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome, how the main process ended, after how many seconds, and all that as a sentence."""

    outcome: Outcome
    ending: Ending
    duration: float
    sentence: str


def outcome(events: Sequence[Event], processes: Sequence[Life]) -> Ended:
    """That of a run; of a pipeline whose shell hides a failure, that of the member that failed."""
    main = next((p for p in processes if p.main), None)
    refused = first(events, Refused)
    if refused:
        why = f"the server was not started: {refused.why}"
        return Ended("not_started", Ending(refused.status, core_dumped=False), 0.0, why)
    if main and main.exited_after is not None:
        hidden = first(events, Hidden)
        member = next((p for p in processes if hidden and p.pid == hidden.pid), main)
        end, last = ending_of(member), first(list(reversed(events)), End)
        kind: Outcome = "signalled" if end.signal else "unknown" if end.exit_code is None else "exited"
        said = f"the server {endings.sentence(end)}"
        if member is not main:
            said = f"process {member.pid} ({member.title}) of the pipeline {endings.sentence(end)}; the shell said 0"
        return Ended(kind, end, last.t if last else main.exited_after, said)
    return _unobserved(events)


def _unobserved(events: Sequence[Event]) -> Ended:
    """Nobody saw the end: doctor itself was killed, or the server still runs."""
    last = max((getattr(e, "t", None) or 0.0 for e in events), default=0.0)
    started = first(events, Start)
    if started and still_runs(started):
        return Ended("running", Ending(), last, f"the server is still running (process {started.pid})")
    why = "qvl-doctor itself ended before the server did, so nobody saw how it ended"
    return Ended("unobserved", Ending(), last, why)


def still_runs(started: Start) -> bool:
    """Whether the very process that was started is still there, and no zombie."""
    stat = read_stat(started.pid)
    return stat is not None and stat.start == started.start and stat.state not in "ZX"
