"""What ended the server: nothing is claimed without a counter, a log line or our own deed behind it."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.findings.run import Cause, Life
from doctor.report.run.units import span
from doctor.run.story.events import End, Event, Killed, SignalCame, first
from doctor.run.story.meta import Meta
from doctor.run.story.outcome import Ended
from doctor.run.watch import oom

_ASKING = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP")


def cause_of(ended: Ended, meta: Meta, events: Sequence[Event], processes: Sequence[Life]) -> Cause:
    """Kind, confidence and evidence."""
    if ended.outcome in ("not_started", "running", "unobserved"):
        return Cause(ended.outcome.replace("_", "-"), "certain", (ended.sentence,))
    name, ours = ended.ending.signal_name, first(events, Killed)
    if ours and name == "SIGKILL":
        return Cause("killed-by-doctor", "certain", (ours.why,))
    end = first(events, End)
    confidence, evidence = _out_of_memory(end or End(), processes)
    if confidence != "unknown":
        return Cause("oom-kill", confidence, tuple(f"OOM kill {confidence}: {x}" for x in evidence))
    if name == "SIGKILL":
        return Cause("signal", "unknown", ("SIGKILL, sender unknown", *(_blind(meta) if end else ())))
    if any(p.after_request for p in [p for p in processes if p.main][:1]):
        return Cause("stopped", "certain", _requests(events))
    kind = "signal" if name else "success" if ended.ending.exit_code == 0 else "exit-status"
    return Cause(kind, "certain", (ended.sentence,))


def _out_of_memory(end: End, processes: Sequence[Life]) -> tuple[str, list[str]]:
    """How sure it is that the kernel killed one of them for lack of memory, and why."""
    killed = {p.pid for p in processes if p.signal_name == "SIGKILL" and not p.after_request}
    hidden = {p.pid for p in processes if p.exited_after is not None and p.exit_code is None}
    return oom.grade(end.oom_moved or {}, set(end.oom_pids or ()), killed | hidden)


def _requests(events: Sequence[Event]) -> tuple[str, ...]:
    asked = [e for e in events if isinstance(e, SignalCame) and e.name in _ASKING]
    return tuple(f"{e.name} came {span(e.t)} after the start from {_sender(e)}" for e in asked)


def _sender(event: SignalCame) -> str:
    return "the terminal" if event.terminal else f"process {event.sender or '?'}"


def _blind(meta: Meta) -> tuple[str, ...]:
    """The counters that could not be read: they say nothing, which is not the same as `no`."""
    return tuple(f"{name} is not readable here" for name, value in meta.oom_before.items() if value is None)
