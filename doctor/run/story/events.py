"""What happens during a run, as the journal keeps it: one type a kind of event. `t` is seconds after the start.

The order of the fields is the order in the file. Fields with a default may be missing: an older journal has not all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from doctor.base.record import dataclass
from doctor.findings.run import CoreDump, KernelLine, Ready, Xid, optional


@dataclass(frozen=True, slots=True)
class Start:
    """The server was started; `start` is its start in clock ticks since the boot, which no later process shares."""

    pid: int
    start: int = 0
    t: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """The command could not be started; `status` is what doctor ends with."""

    status: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class SignalCame:
    """A signal came to doctor; `sender` is a process, 0 for the kernel."""

    name: str
    sender: int = 0
    t: float = 0.0
    terminal: bool = False


@dataclass(frozen=True, slots=True)
class Killed:
    """Doctor itself killed the server."""

    why: str = ""
    t: float = 0.0


@dataclass(frozen=True, slots=True)
class CleanUp:
    """The main process had ended, and these were asked to end too."""

    pids: tuple[int, ...] = ()
    t: float = 0.0


@dataclass(frozen=True, slots=True)
class Survivors:
    """What lived when doctor left."""

    pids: tuple[int, ...] = ()
    t: float = 0.0


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the user should know, and was shown."""

    text: str
    t: float = 0.0


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that belongs into the report alone."""

    text: str


@dataclass(frozen=True, slots=True)
class Born:
    """A process was seen for the first time, or has another name since."""

    t: float
    pid: int
    ppid: int | None = None
    start: int = 0
    command: tuple[str, ...] = ()
    title: str | None = None
    program: str | None = None
    session: int | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """A process ended; `status` is a wait status, None while unknown, `peak` its most memory in bytes."""

    t: float
    pid: int
    start: int = 0
    status: int | None = None
    peak: int | None = optional()
    after_request: bool | None = optional()


@dataclass(frozen=True, slots=True)
class Hidden:
    """A member of a pipeline failed while its shell ended with 0: the run ends with the member's status."""

    t: float
    pid: int


@dataclass(frozen=True, slots=True)
class NotReady:
    """The server did not answer in time, or nobody knows where to ask."""

    t: float
    text: str = ""
    address: str | None = optional()


@dataclass(frozen=True, slots=True)
class Failed:
    """The server answers and counts as failed all the same."""

    t: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The last event: out-of-memory counters that grew (before, after), and the processes that the kernel named."""

    t: float = 0.0
    oom_moved: dict[str, tuple[int, int]] | None = optional()
    oom_pids: tuple[int, ...] | None = optional()


Event = (
    Start | Refused | SignalCame | Killed | CleanUp | Survivors | Warned | Noted | Born | Exit | Hidden | Ready
    | NotReady | Failed | Xid | KernelLine | CoreDump | End
)  # fmt: skip
KINDS: Mapping[str, type[Event]] = {
    "start": Start, "not_started": Refused, "signal": SignalCame, "killed": Killed, "cleanup": CleanUp,
    "survivors": Survivors, "warning": Warned, "note": Noted, "process": Born, "exit": Exit, "pipeline": Hidden,
    "ready": Ready,
    "not_ready": NotReady, "failed": Failed, "xid": Xid, "kernel": KernelLine, "core": CoreDump, "end": End,
}  # fmt: skip
NAMES: Mapping[type[Event], str] = {kind: name for name, kind in KINDS.items()}
E = TypeVar("E")


def first(events: Sequence[Event], kind: type[E]) -> E | None:
    """The first event of a kind."""
    return next((e for e in events if isinstance(e, kind)), None)


def every(events: Sequence[Event], kind: type[E]) -> tuple[E, ...]:
    """All events of a kind."""
    return tuple(e for e in events if isinstance(e, kind))
