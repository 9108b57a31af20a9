"""Whether anything failed at all: what is left of the errors when those that the run survived are taken away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.explain.context import Digest
from doctor.explain.evidence import shown
from doctor.explain.life.life import Life
from doctor.explain.lines import SEVERE, Line
from doctor.explain.matching import Candidate
from doctor.explain.traces import Trace
from doctor.findings import Evidence, Finding

HARMLESS_ENDS = ("KeyboardInterrupt", "SystemExit", "CancelledError", "BrokenPipeError", "GeneratorExit",
                 "ClientDisconnect", "ConnectionResetError")  # fmt: skip
_ALWAYS = ("chat-template",)  # as a rule every request fails of it, not one
_MILD = ("DEBUG", "TRACE", "INFO", "NOTICE", "WARNING", "WARN")
DONE_WELL = ("RUN005", "RUN006")  # the server did what it was asked to
_ERROR = late_pattern(r"^(?:\S{1,60} )?(?:[A-Za-z_.]{0,60}(?:Error|Exception)|ERROR|[Ff]atal(?: error)?|error)\b:? ")
_MEDIA = late_pattern(r"/(?:connections|image|video|audio|media|load_image|mm_utils)\.py$|/vl/utils\.py$", re.M)
SHOWN = 3


def peaceful(digest: Digest, found: Sequence[Candidate]) -> Finding | None:
    """That the server was ready or at work and nothing ended it, or that it was asked to stop; None where it failed."""
    life = digest.life
    first = min(_troubles(digest, found), default=0)
    asked = next((n for n in life.stopped if not first or n < first), 0)
    if first and not asked:
        return None
    if life.alive:
        return _healthy(digest, life, asked)
    return _stopped(digest, asked) if asked else None


def lived(digest: Digest, number: int) -> Iterator[Evidence]:
    """Of a failure at this line: that the server had been ready before, where it had."""
    before = [n for n in digest.life.ready if n < number]
    if before:
        yield Evidence("served, then failed", observed="the server was ready before this", source=f"line {before[-1]}")


def noteworthy(digest: Digest, found: Sequence[Candidate]) -> Candidate | None:
    """Where nothing failed, the known thing that a user may want to hear of: a fallback, a refused request."""
    for candidate in found:
        refused = digest.life.of_a_request(candidate.line.number, candidate.line.trace)
        if refused and _of_its_media(candidate.line):
            continue
        if candidate.rank > 0 and (refused or (candidate.crash.warns and not candidate.quiet)):
            return candidate
    return None


def _of_its_media(line: Line) -> bool:
    """Whether a request failed because the picture that it names could not be loaded: nothing of the server's."""
    return line.trace is not None and bool(_MEDIA.search(line.trace.paths))


def _troubles(digest: Digest, found: Sequence[Candidate]) -> Iterator[int]:
    """The lines of all that failed and was not survived."""
    life = digest.life
    quiet = {n.number for n in digest.lines if n.role == "error" and n.level in _MILD}
    for candidate in found:
        number, trace = candidate.line.number, candidate.line.trace
        over = life.survived(number, trace) or life.of_a_request(number, trace)
        if candidate.crash.kind in _ALWAYS:
            over = any(r > number for r in (*life.ready, *life.answered))
        if not candidate.quiet and not over and not _harmless(trace, digest):
            yield number
    for trace in digest.traces:
        if trace.number in quiet or _harmless(trace, digest) or life.of_a_request(trace.number, trace):
            continue
        if not life.survived(trace.number or trace.start, trace):
            yield trace.number or trace.start
    for number in life.dead:
        if not life.survived(number):
            yield number
    yield from (n.number for n in digest.lines if _is_error(n, life))


def _harmless(trace: Trace | None, digest: Digest) -> bool:
    """Whether a traceback only tells that someone left or that it was ignored."""
    return trace is not None and (trace.kind in HARMLESS_ENDS or id(trace) in digest.ignored)


def _is_error(line: Line, life: Life) -> bool:
    """Whether a line outside of tracebacks tells of an error while the server was not up yet."""
    if line.aside or line.trace is not None or line.level in _MILD or life.served(line.number):
        return False
    return (line.level in SEVERE or bool(_ERROR.match(line.text[:300]))) and not life.survived(line.number)


def _healthy(digest: Digest, life: Life, asked: int) -> Finding:
    shows = life.ready[-1] if life.ready else life.worked[-1]
    state = "became ready" if life.ready else "did its work"
    end = " and was then stopped on request" if asked else ""
    return Finding(
        rule="RUN005", name="healthy", severity="note", confidence="high", key=f"line {shows}",
        message=f"Healthy, nothing failed: the server {state}{end}.",
        evidence=tuple(_seen(digest, shows, asked)),
    )  # fmt: skip


def _stopped(digest: Digest, asked: int) -> Finding:
    return Finding(
        rule="RUN006", name="stopped-on-request", severity="note", confidence="medium", key=f"line {asked}",
        message="The run was stopped on request before the server was ready; nothing failed before that.",
        evidence=tuple(_seen(digest, asked, 0)),
    )  # fmt: skip


def _seen(digest: Digest, shows: int, asked: int) -> Iterator[Evidence]:
    """The lines that show it, then the errors that were survived."""
    texts = {n.number: n.text for n in digest.lines}
    yield Evidence("log", observed=shown(texts[shows]), source=f"line {shows}")
    if asked:
        yield Evidence("stopped", observed=shown(texts[asked]), source=f"line {asked}")
    handled = [t for t in digest.traces if t.raised]
    for trace in handled[:SHOWN]:
        said = one_line(redact_text(f"{trace.kind}: {trace.message}"), 200)
        yield Evidence("handled", observed=said, source=f"line {trace.number}")
