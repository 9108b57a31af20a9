"""Finds the root cause of a crash in its log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.facts import Facts
from doctor.findings import Finding

if TYPE_CHECKING:
    from doctor.explain.reading import Stream


def explain_log(
    source: str | Path | Stream, *, facts: Facts | None = None, finite: bool = False
) -> tuple[Finding, ...]:
    """The findings for a log file, a run folder or an open binary stream, the likeliest cause first; never empty.

    `finite`: a stream ends by itself, as a file does; of others only a part is read.
    Each evidence names its place as `line N`. Only the first may have confidence `high`, and none has where the log
    does not hold the cause or was not read to its end. Raises OSError for a file that cannot be read, DataError where
    our own data is damaged.
    """
    from doctor.explain.bounded import Bounded, with_end
    from doctor.explain.context import digest
    from doctor.explain.life.aside import set_aside
    from doctor.explain.lines import Line, lines_of
    from doctor.explain.reading import opened, read
    from doctor.explain.tracebacks import traces_of
    from doctor.explain.verdict import verdict
    from doctor.findings.redacted import redacted

    if isinstance(source, (str, Path)):
        with closing(opened(Path(source))) as stream:
            return explain_log(stream, facts=facts, finite=True)
    log = Bounded(source, None) if finite else Bounded(source)
    lines = lines_of(read(log))
    by_process: dict[str, list[Line]] = {}
    for line in lines:
        by_process.setdefault(line.who, []).append(line)
    traces = [t for own in by_process.values() for t in traces_of(own)]
    traces.sort(key=lambda t: t.number or t.start)
    for own in by_process.values():
        set_aside(own)
    found = with_end(verdict(digest(lines, traces, facts)), log, lines[-1].number if lines else 0)
    return tuple(redacted(f) for f in found)
