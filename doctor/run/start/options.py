"""What the user asked `run` to do."""

from __future__ import annotations

from doctor.base.record import dataclass

DEFAULT_CAP = 512 << 20
DEFAULT_GRACE = 10.0
DEFAULT_READY = 600.0
DEFAULT_SILENCE = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """The command and how to run it. `max_log` in bytes, 0 for no bound; `grace` and `ready_timeout` in seconds.

    `probe`: once ready, the server is asked what its users will ask.
    After `silence` seconds without output it is said what a server that is not ready waits for; 0: never.
    """

    argv: tuple[str, ...]
    log_dir: str | None = None
    grace: float = DEFAULT_GRACE
    max_log: int = DEFAULT_CAP
    ready: str | None = None
    ready_timeout: float = DEFAULT_READY
    require_gpu: bool = False
    stdin: str = "null"
    silence: float = DEFAULT_SILENCE
    probe: bool = False
