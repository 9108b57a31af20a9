"""What happened when modules were really imported, in a child process of the target (`check --deep` alone)."""

from __future__ import annotations

from typing import Literal

from doctor.base.record import dataclass

Outcome = Literal["ok", "raised", "died", "timed-out"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One import. `error` and `text` are Python's own words where it raised, `signal` what ended the process where it
    died (`SIGSEGV`, or `exit 3`); `file` and `line` are the innermost frame, relative to its search path entry."""

    module: str
    outcome: Outcome
    error: str | None = None
    text: str = ""
    file: str | None = None
    line: int | None = None
    signal: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Trials:
    """The imports that were made, one after the other in one process, by this interpreter of the target."""

    executable: str
    trials: tuple[Trial, ...] = ()
