"""Python tracebacks found in the lines of one process: frames, what was raised, and how they chain."""

from __future__ import annotations

import re
from collections.abc import Sequence

from doctor.base.late import late_pattern
from doctor.explain.lines import Line
from doctor.explain.traces import Frame, Trace

_FRAME = late_pattern(
    r'[ |+]{0,12}File "(?P<file>[^"\n]{1,400})", line (?P<line>\d{1,7})(?:, in (?P<function>[^\n]{1,'
    r"200}))?"
)
_RAISED = late_pattern(
    r"(?P<type>(?:[A-Za-z_]\w{0,80}\.){0,8}[A-Za-z_]\w{0,80})(?P<colon>:(?= |$)|$)(?: "
    r"(?P<message>.{0,3900}))?"
)
_KNOWN_END = (
    "Error", "Exception", "Interrupt", "Exit", "Warning", "Iteration", "Failure", "Timeout", "Died", "Enabled",
    "NotFound", "Fault", "Abort", "Group", "Refused", "Unavailable", "Invalid", "Mismatch",
)  # fmt: skip
_CAUSE = "The above exception was the direct cause of the following exception"
_DURING = "During handling of the above exception, another exception occurred"
_BEGIN = "Traceback (most recent call last)"
_NOISE = 40
LONGEST = 30  # lines of a message
_SHELL = ("Killed", "Terminated", "Aborted", "Segmentation fault", "Bus error")
_ADDRESS = late_pattern(r"\[address=[^\]\n]{1,80}, pid=\d{1,9}\] ")


def traces_of(lines: Sequence[Line]) -> list[Trace]:
    """The tracebacks in the lines of one process; sets `role` and `trace` of the lines they are made of."""
    found: list[Trace] = []
    place, relation = 0, ""
    last: Trace | None = None
    raised: Line | None = None
    while place < len(lines):
        text = lines[place].text
        if _BEGIN in text:
            trace = Trace(lines[place].number, relation=relation, earlier=last if relation else None)
            place = _parse(lines, place, trace)
            found.append(trace)
            last, relation = trace, ""
            raised = lines[place - 1] if not trace.cut else None
            continue
        if _CAUSE in text or _DURING in text:
            relation = "cause" if _CAUSE in text else "during"
        elif last is not None and text.strip() and not last.cut:
            last = last if lines[place].number - last.number <= LONGEST and _goes_on(lines[place], raised) else None
            lines[place].trace = last
        place += 1
    return found


def _goes_on(line: Line, raised: Line | None) -> bool:
    """Whether a line may be the next one of the message that began at `raised`: written in the same manner."""
    if raised is None or line.text.strip() in _SHELL:
        return False
    return line.level == raised.level and (line.stamped == raised.stamped or line.text.startswith(" "))


def _parse(lines: Sequence[Line], place: int, trace: Trace) -> int:
    """Reads one traceback from its first line on; the place after its last line."""
    lines[place].trace = trace
    margin = len(lines[place].text) - len(lines[place].text.lstrip(" |+"))
    idle = 0
    place += 1
    while place < len(lines) and idle < _NOISE:
        line = lines[place]
        if _BEGIN in line.text:
            return place
        frame = _FRAME.match(line.text)
        if frame:
            trace.frames.append(Frame(frame["file"], int(frame["line"]), (frame["function"] or "").strip()))
            line.role, line.trace, idle = "frame", trace, 0
        elif line.text.startswith(" " * (margin + 4)) or line.text.lstrip(" |").startswith(
            ("[Previous line repeated", "^")
        ):
            line.role, line.trace = "code", trace
            if trace.frames and not trace.frames[-1].code:
                trace.frames[-1].code = line.text.strip()
        elif trace.frames and (raised := _raised(line.text, margin)):
            trace.raised, trace.message = raised["type"], _ADDRESS.sub("", raised["message"] or "")
            trace.number, line.role, line.trace = line.number, "error", trace
            return place + 1
        else:
            idle += 1
        place += 1
    return place


def _raised(text: str, margin: int) -> re.Match[str] | None:
    """The line that names what was raised, and not one that another part of the program wrote in between."""
    match = _RAISED.fullmatch(text[margin:].rstrip())
    if match is None:
        return None
    kind = match["type"].rpartition(".")[2]
    if kind.endswith(_KNOWN_END) or ("." in match["type"] and kind[:1].isupper()):
        return match
    return match if match["colon"] == ":" and kind[:1].isupper() and kind.lower() != kind and len(kind) > 8 else None
