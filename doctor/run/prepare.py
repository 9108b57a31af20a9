"""Everything before the start: the folder, the logs, what is noted about the launch, and what the user is told."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import time
from dataclasses import field
from pathlib import Path
from typing import Any

from doctor import __version__
from doctor.base.record import dataclass
from doctor.base.secrets.names import is_secret_name
from doctor.base.secrets.redactor import Redactor, known_values
from doctor.findings import StartVerdict
from doctor.matrix.data import DataError
from doctor.matrix.engines import prefixes
from doctor.run.log import logfile
from doctor.run.log.logfile import Log
from doctor.run.spawn import environment
from doctor.run.story import postmortem, runfolder
from doctor.run.watch import oom

DEFAULT_CAP = 512 << 20
DEFAULT_GRACE = 10.0
DEFAULT_READY = 600.0
_KEPT_ENV = ("CUDA_", "PYTHON", "NCCL_", "TORCH_", "TRITON_", "OMP_")  # and those of the engines
_KEPT_NAMES = {"LD_LIBRARY_PATH", "HF_HOME", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "NVIDIA_VISIBLE_DEVICES",
               "VIRTUAL_ENV", "CONDA_PREFIX", "WSL_DISTRO_NAME", "TRANSFORMERS_CACHE", "HF_ENDPOINT"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. `max_log` in bytes, 0 for no bound; `grace` and `ready_timeout` in seconds."""

    argv: tuple[str, ...]
    log_dir: str | None = None
    grace: float = DEFAULT_GRACE
    max_log: int = DEFAULT_CAP
    ready: str | None = None
    ready_timeout: float = DEFAULT_READY
    require_gpu: bool = False
    stdin: str = "null"


@dataclass(slots=True)
class Prepared:
    """A run about to start: its folder and open logs, its journal, and what hides its secrets."""

    options: Options
    folder: Path
    logs: list[Log]
    journal: runfolder.Journal
    redactor: Redactor
    cap: int
    started: float
    oom_before: dict[str, int | None]
    opening: list[str] = field(default_factory=list)
    failed: bool = False


def prepare(options: Options, verdict: StartVerdict) -> Prepared:
    """Makes the run folder and everything in it. Raises `Unusable`; then nothing has been started."""
    folder, warning = runfolder.create(options.log_dir)
    try:
        return _fill(folder, options, verdict, warning)
    except OSError as e:
        raise runfolder.Unusable(f"the log folder `{folder}` cannot be used: {e.strerror or e}") from e


def _fill(folder: Path, options: Options, verdict: StartVerdict, warning: str | None) -> Prepared:
    split = logfile.streams_differ()
    logs = [logfile.create(folder / name) for name in ([logfile.NAME, logfile.ERROR_NAME] if split else [logfile.NAME])]
    redactor = Redactor(known_values(os.environ, options.argv))
    _, warnings, notes = environment(options.argv, os.environ)
    warnings = [w for w in (warning, *warnings, *_told(verdict)) if w]
    started, before = time.time(), oom.snapshot()
    meta = _meta(folder, options, redactor, warnings, notes, started, before)
    runfolder.write(folder, "meta.json", runfolder.dump(meta))
    if verdict.facts:
        runfolder.write(folder, "facts.json", runfolder.dump(redactor.value(verdict.facts)))
    if verdict.findings:
        runfolder.write(folder, "findings.json", runfolder.dump(redactor.value(list(verdict.findings))))
    _set_aside(folder)
    opening = [f"qvl-doctor: the log is kept in {redactor.line(str(folder))}"]
    opening += [f"qvl-doctor: warning: {redactor.line(w)}" for w in warnings]
    journal = runfolder.Journal(folder / "events.jsonl")
    return Prepared(options, folder, logs, journal, redactor, options.max_log, started, before, opening)


def _told(verdict: StartVerdict) -> list[str]:
    """What the check before the start leaves to be said where the server is started all the same."""
    forced = [f"started all the same (--force): {error}" for error in verdict.errors]
    return [*([verdict.trouble] if verdict.trouble else []), *forced]


def _meta(folder: Path, options: Options, redactor: Redactor, warnings: list[str], notes: list[str],
          started: float, before: dict[str, Any]) -> dict[str, Any]:  # fmt: skip
    return {
        "kind": runfolder.MARKER, "schema": 1, "run": folder.name, "doctor": __version__,
        "started": postmortem.utc(started), "started_unix": started, "monotonic": time.monotonic(),
        "boot": postmortem.boot(), "doctor_pid": os.getpid(), "platform": sys.platform,
        "command": redactor.argv(options.argv), "workdir": redactor.line(workdir()),
        "environment": {k: redactor.line(v) for k, v in sorted(os.environ.items()) if _kept(k)},
        "grace": options.grace, "max_log": options.max_log, "ready": redactor.line(options.ready or ""),
        "warnings": [redactor.line(w) for w in warnings], "notes": notes, "oom_before": before,
        "redaction": dataclasses.asdict(redactor.fingerprints()),
    }  # fmt: skip


def workdir() -> str:
    """The working folder, empty when it has been removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _kept(name: str) -> bool:
    """Whether a variable may be noted: an allowlist, so that one we never heard of stays out."""
    return (name.startswith((*_KEPT_ENV, *_of_engines())) or name in _KEPT_NAMES) and not is_secret_name(name)


def _of_engines() -> tuple[str, ...]:
    """How variables of the engines begin; none where our data is damaged, which keeps no server from its start."""
    try:
        return prefixes(native=True)
    except DataError:
        return ()


def _set_aside(folder: Path) -> None:
    """Space for the report, so that it can be written on a full disk too."""
    with contextlib.suppress(OSError):
        fd = runfolder.private_file(folder / ".reserve")
        try:
            os.write(fd, b" " * (1 << 18))
        finally:
            os.close(fd)
