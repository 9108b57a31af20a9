"""Python tracebacks found in the lines of one process: frames, what was raised, and how they chain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from doctor.base.record import dataclass

if TYPE_CHECKING:
    from doctor.explain.lines import Line

_FRAME = re.compile(
    r'[ |+]{0,12}File "(?P<file>[^"\n]{1,400})", line (?P<line>\d{1,7})(?:, in (?P<function>[^\n]{1,'
    r"200}))?"
)
_RAISED = re.compile(
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
_ADDRESS = re.compile(r"\[address=[^\]\n]{1,80}, pid=\d{1,9}\] ")


@dataclass(slots=True)
class Frame:
    """One frame: file as the log wrote it, line, function and the source line where the log has it."""

    file: str
    line: int
    function: str
    code: str = ""


@dataclass(slots=True)
class Trace:
    """One traceback. `raised` is the full name of the exception, empty where the log ends before it (`cut`)."""

    start: int
    frames: list[Frame] = field(default_factory=list)
    raised: str = ""
    message: str = ""
    number: int = 0
    relation: str = ""
    earlier: Trace | None = None

    @property
    def cut(self) -> bool:
        """Whether the log holds no last line of this traceback."""
        return not self.raised

    @property
    def kind(self) -> str:
        """The exception's name without its module."""
        return self.raised.rpartition(".")[2]

    @property
    def paths(self) -> str:
        """The files of all frames, one a line, for a search of a package."""
        return "\n".join(f.file.replace("\\", "/") for f in self.frames)

    @property
    def where(self) -> str:
        """The files and source lines of all frames, for literals that name a place."""
        return "\n".join(f"{f.file} {f.function}\n{f.code}" for f in self.frames).replace("\\", "/")

    def chain(self) -> list[Trace]:
        """This traceback and those it names above, the first one first."""
        out: list[Trace] = []
        at: Trace | None = self
        while at is not None and len(out) < 32:
            out.append(at)
            at = at.earlier
        return out[::-1]


def traces_of(lines: Sequence[Line]) -> list[Trace]:
    """The tracebacks in the lines of one process; sets `role` and `trace` of the lines they are made of."""
    found: list[Trace] = []
    place, relation = 0, ""
    last: Trace | None = None
    while place < len(lines):
        text = lines[place].text
        if _BEGIN in text:
            trace = Trace(lines[place].number, relation=relation, earlier=last if relation else None)
            place = _parse(lines, place, trace)
            found.append(trace)
            last, relation = trace, ""
            continue
        if _CAUSE in text or _DURING in text:
            relation = "cause" if _CAUSE in text else "during"
        elif last is not None and text.strip() and not last.cut and lines[place].number - last.number <= 30:
            lines[place].trace = last  # the message goes on over several lines
        place += 1
    return found


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
