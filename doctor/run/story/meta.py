"""`meta.json`: what is known of a run before it starts, and what later tells whose run it is."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import field
from pathlib import Path

from doctor import __version__
from doctor.base.record import dataclass
from doctor.base.secrets.fingerprints import Fingerprints
from doctor.base.secrets.names import is_secret_name
from doctor.base.secrets.redactor import Redactor
from doctor.matrix.engines import prefixes
from doctor.matrix.files.data import DataError

MARKER = "qvl-doctor run"
_KEPT_ENV = ("CUDA_", "PYTHON", "NCCL_", "TORCH_", "TRITON_", "OMP_")  # and those of the engines
_KEPT_NAMES = {"LD_LIBRARY_PATH", "HF_HOME", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "NVIDIA_VISIBLE_DEVICES",
               "VIRTUAL_ENV", "CONDA_PREFIX", "WSL_DISTRO_NAME", "TRANSFORMERS_CACHE", "HF_ENDPOINT"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meta:
    """The start of a run. `started_unix` in seconds, `monotonic` the same moment by the clock that nobody sets; `boot`
    names the boot of the machine, `doctor_start` when doctor was born in its clock ticks; `oom_before` holds the
    out-of-memory counters; `redaction` recognizes the secrets."""

    kind: str = MARKER
    schema: int = 1
    run: str = ""
    doctor: str = ""
    started: str = ""
    started_unix: float | None = None
    monotonic: float = 0.0
    boot: str = ""
    doctor_pid: int = 0
    doctor_start: int = 0
    platform: str = ""
    command: tuple[str, ...] = ()
    workdir: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    grace: float = 0.0
    max_log: int = 0
    ready: str = ""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    oom_before: dict[str, int | None] = field(default_factory=dict)
    redaction: Fingerprints | None = None


def meta_of_start(folder: Path, started: float, redactor: Redactor) -> Meta:
    """What this process knows of itself; `started` in seconds since 1970."""
    return Meta(
        run=folder.name, doctor=__version__, started=utc(started), started_unix=started, monotonic=time.monotonic(),
        boot=boot(), doctor_pid=os.getpid(), doctor_start=_own_start(), platform=sys.platform,
        workdir=redactor.line(workdir()),
        environment={k: redactor.line(v) for k, v in sorted(os.environ.items()) if _kept(k)},
        redaction=redactor.fingerprints(),
    )  # fmt: skip


def _own_start() -> int:
    """When this process was born, in clock ticks: with its number, that is this process and no other."""
    from doctor.run.watch.proc import read_stat

    stat = read_stat(os.getpid())
    return stat.start if stat else 0


def workdir() -> str:
    """The working folder, empty when it has been removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def boot() -> str:
    """What names this boot of the machine."""
    from doctor.run.watch.sysroot import read

    return (read("/proc/sys/kernel/random/boot_id", 64) or "").strip()


def utc(moment: float) -> str:
    """A wall-clock time as a label."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def _kept(name: str) -> bool:
    """Whether a variable may be noted: an allowlist, so that one we never heard of stays out."""
    return (name.startswith((*_KEPT_ENV, *_of_engines())) or name in _KEPT_NAMES) and not is_secret_name(name)


def _of_engines() -> tuple[str, ...]:
    """How variables of the engines begin; none where our data is damaged, which keeps no server from its start."""
    try:
        return prefixes(native=True)
    except DataError:
        return ()
