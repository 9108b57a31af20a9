"""A Python traceback as a log shows it: its frames, what was raised, and the tracebacks before it in the chain."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass


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
