"""How a run of a server went, as one value: what `run` writes at its end and `report` reads again.

Times are seconds after the start, memory is bytes. A field that is None where its comment says so is left out of the
written file; every other None is written as null.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from doctor.base.record import dataclass
from doctor.findings import Finding
from doctor.findings.memory import Figure

SCHEMA = 1
Outcome = Literal["exited", "signalled", "unknown", "not_started", "running", "unobserved"]
LEFT_OUT = "left out when None"


def optional() -> Any:
    """A field that the written form leaves out while it is None."""
    return field(default=None, metadata={LEFT_OUT: True})


@dataclass(frozen=True, slots=True)
class Ending:
    """A wait status taken apart; every field is None while it is unknown."""

    exit_code: int | None = None
    signal: int | None = None
    signal_name: str | None = None
    core_dumped: bool | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What ended the server, how sure that is, and what it is concluded from, a sentence each."""

    kind: str = ""
    confidence: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A signal that came to doctor and was passed on; `sender` is a process, 0 for the kernel."""

    name: str
    sender: int = 0
    t: float = 0.0


@dataclass(frozen=True, slots=True)
class Life:
    """One process from birth to death: `seen_after` is None where its birth, `exited_after` where its end was not seen.

    `main` is the process that was started; `after_request` means that somebody had asked for the end.
    """

    pid: int
    ppid: int | None = None
    title: str | None = None
    cmd: tuple[str, ...] | None = None
    seen_after: float | None = None
    exited_after: float | None = None
    peak_memory: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    signal_name: str | None = None
    core_dumped: bool | None = None
    main: bool = False
    after_request: bool = False
    program: str | None = None


@dataclass(frozen=True, slots=True)
class FirstFailure:
    """The process that went wrong first, and how, as a sentence without its subject."""

    pid: int
    cmd: tuple[str, ...] | None = optional()
    title: str | None = optional()
    signal_name: str | None = None
    exit_code: int | None = None
    core_dumped: bool | None = None
    exited_after: float = 0.0
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A process that was left running."""

    pid: int
    cmd: tuple[str, ...] | None = optional()
    title: str | None = optional()


@dataclass(frozen=True, slots=True)
class LogState:
    """The logs: bytes written, whether they end with a line's end, bytes no longer there, and the files' names."""

    bytes: int = 0
    ended_with_newline: bool = True
    head_dropped: int = 0
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Xid:
    """A GPU error from the kernel's log; `pid` is None where the line names no process."""

    xid: int
    device: str
    pid: int | None = None
    line: str = ""


@dataclass(frozen=True, slots=True)
class KernelLine:
    """A line of the kernel's log that concerns the run."""

    line: str


@dataclass(frozen=True, slots=True)
class CoreDump:
    """Where a core dump went by the kernel's `pattern`: a `file`, or a `hint` where to look."""

    pid: int
    pattern: str = ""
    file: str | None = optional()
    hint: str | None = optional()


@dataclass(frozen=True, slots=True)
class Ready:
    """The server answered: when, where, with which model, in words; `after_seconds` since the waiting began."""

    t: float | None = optional()
    text: str = ""
    address: str | None = optional()
    model: str | None = optional()
    after_seconds: float | None = optional()


@dataclass(frozen=True, slots=True)
class Sample:
    """Memory at one moment: resident in all processes, available on the host, used on each GPU (number -> bytes)."""

    t: float = 0.0
    rss: int = 0
    host_available: int | None = None
    gpu_used: dict[str, int] | None = optional()


@dataclass(frozen=True, slots=True)
class Memory:
    """The samples of a run in short: peaks, last values, and at most 60 points over time."""

    rss_peak: int = 0
    rss_last: int | None = None
    host_available_lowest: int | None = None
    gpu_peak: dict[str, int] = field(default_factory=dict)
    over_time: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """The post-mortem. `sentence` says how it ended; `tail`, `traces` and `last_lines` (by process) quote the log,
    `findings` are what the log says about a failure, the likeliest first. Everything is redacted. `exit_code` is the
    run's; `command_exit_code` differs where a shell hides that a member of a pipeline failed. `figures` are what the
    server logged of its GPU memory."""

    run: str = ""
    command: tuple[str, ...] = ()
    outcome: Outcome = "unobserved"
    exit_code: int | None = None
    command_exit_code: int | None = None
    signal: int | None = None
    signal_name: str | None = None
    core_dumped: bool | None = None
    duration_seconds: float = 0.0
    sentence: str = ""
    cause: Cause = Cause()
    requested: tuple[Asked, ...] = ()
    first_failure: FirstFailure | None = None
    processes: tuple[Life, ...] = ()
    survivors: tuple[Survivor, ...] = ()
    log: LogState = LogState()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    xid: tuple[Xid, ...] = ()
    kernel: tuple[KernelLine, ...] = ()
    core: tuple[CoreDump, ...] = ()
    ready: tuple[Ready, ...] = ()
    memory: Memory | None = None
    figures: tuple[Figure, ...] = ()
    traces: tuple[tuple[str, ...], ...] = ()
    last_lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tail: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
