"""What a finding shows of a log: the line that decided, the frame that raised it, and the place in a package."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import redact_text
from doctor.base.text import clean
from doctor.explain.lines import Line
from doctor.explain.matching import Candidate
from doctor.explain.traces import Trace
from doctor.findings import Evidence, Location

_SITE = late_pattern(r"(?:site|dist)-packages/(?P<package>[A-Za-z_]\w{0,60})(?P<rest>/[^\n]{0,300})?$")


def evidence_of(candidate: Candidate) -> tuple[Evidence, ...]:
    """The line that an entry matched, and the frame that raised what it names."""
    line = candidate.line
    out = [Evidence("log", observed=shown(line.text), source=f"line {line.number}")]
    if line.trace and line.trace.frames and line.role == "error":
        frame = line.trace.frames[-1]
        out.append(
            Evidence(
                "raised at",
                observed=shown(f"{frame.file}:{frame.line} in {frame.function}"),
                source=f"line {line.trace.start}",
            )
        )
    return tuple(out)


def ranks_of(line: Line, lines: Sequence[Line]) -> tuple[Evidence, ...]:
    """That several processes said the same, how many, and which was the first; nothing where one did."""
    same = [n for n in lines if n.text == line.text and n.who]
    who = list(dict.fromkeys(n.who for n in same))
    if len(who) < 2:
        return ()
    return (Evidence("seen in", observed=f"{len(who)} processes; the first: {clean(who[0], 80)}",
                     source=f"line {same[0].number}"),)  # fmt: skip


def shown(text: str) -> str:
    """A line of a log as it may be shown: without secrets, control characters and more than 400 characters."""
    return clean(redact_text(text.strip()), 400)


def location_of(trace: Trace | None) -> Location | None:
    """The innermost frame in an installed package."""
    for frame in reversed(trace.frames if trace else []):
        match = _SITE.search(frame.file.replace("\\", "/"))
        if match:
            path = clean(f"{match['package']}{match['rest'] or ''}", 300)
            return Location("file", match["package"], path, frame.line)
    return None
