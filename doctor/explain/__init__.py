"""Finds the root cause of a crash in its log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from doctor.facts import Facts
from doctor.findings import Finding

if TYPE_CHECKING:
    from doctor.explain.reading import Stream


def explain_log(source: str | Path | Stream, *, facts: Facts | None = None) -> tuple[Finding, ...]:
    """The findings for a log file, a run folder or an open binary stream, the likeliest cause first; never empty.

    Each evidence names its place as `line N`. Only the first may have confidence `high`, and none has where the log
    does not hold the cause. Raises OSError for a file that cannot be read, DataError where our own data is damaged.
    """
    from doctor.explain.context import digest
    from doctor.explain.life.aside import set_aside
    from doctor.explain.lines import Line, lines_of
    from doctor.explain.reading import read
    from doctor.explain.tracebacks import traces_of
    from doctor.explain.verdict import verdict

    lines = lines_of(read(Path(source) if isinstance(source, str) else source))
    by_process: dict[str, list[Line]] = {}
    for line in lines:
        by_process.setdefault(line.who, []).append(line)
    traces = [t for own in by_process.values() for t in traces_of(own)]
    traces.sort(key=lambda t: t.number or t.start)
    for own in by_process.values():
        set_aside(own)
    return verdict(digest(lines, traces, facts))
