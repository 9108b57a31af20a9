"""One command of doctor in a process of its own, forked from this one, and what was wrong with how it went."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import resource
import select
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

SLOW, LARGE = 20.0, 500 << 20  # seconds of processor time and bytes that no input may take
STUCK = 60.0  # seconds on the wall, on a machine that may have other work
CEILING = 4 << 30  # bytes of address space, so that a fault does not take the machine
STATUSES = range(5)


@dataclass(frozen=True)
class Trial:
    """The words behind `qvl-doctor`, its standard input and what the environment has beside the usual."""

    words: tuple[str, ...]
    stdin: bytes = b""
    environ: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: its status (negative for a signal), seconds of work, bytes of memory, what it said on stderr."""

    status: int
    seconds: float
    memory: int
    said: str

    @property
    def fault(self) -> str:
        """What is wrong with it in one line, empty for nothing."""
        lines = self.said.strip().splitlines()
        if "Traceback (most recent call last)" in self.said:
            frames = [line.strip() for line in lines if line.startswith("  File ") and "/doctor/" in line]
            return f"traceback: {lines[-1][:160]} <- {frames[-1] if frames else '?'}"
        if self.status < 0:
            return f"signal {-self.status}"
        if self.seconds > SLOW:
            return f"{self.seconds:.0f} s"
        if self.memory > LARGE:
            return f"{self.memory >> 20} MiB"
        if "not enough memory" in self.said:
            return "out of memory"
        return "" if self.status in STATUSES or self.status == 130 else f"status {self.status}"


def load_all() -> None:
    """Imports every module of doctor once, so that a fork begins with them."""
    import doctor

    for module in pkgutil.walk_packages(doctor.__path__, "doctor."):
        if not module.name.endswith("__main__") and "nvml_child" not in module.name:
            importlib.import_module(module.name)


def run(trial: Trial, folder: Path) -> Outcome:
    """Runs a trial with `folder` as its working directory."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
        given.write(trial.stdin)
        given.seek(0)
        child = os.fork()
        if child == 0:
            _be_doctor(trial, folder, given.fileno(), said.fileno())
        status, seconds, memory = _wait(child)
        said.seek(0)
        return Outcome(status, seconds, memory, said.read(1 << 20).decode("utf-8", "replace"))


def _wait(child: int) -> tuple[int, float, int]:
    watched = os.pidfd_open(child)
    try:
        if not select.select([watched], [], [], STUCK)[0]:
            os.killpg(child, signal.SIGKILL)
        _, status, used = os.wait4(child, 0)
    finally:
        os.close(watched)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what it left behind
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss << 10


def _be_doctor(trial: Trial, folder: Path, given: int, said: int) -> None:
    status = 99
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (CEILING, CEILING))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        null = os.open(os.devnull, os.O_WRONLY)
        for source, target in ((given, 0), (null, 1), (said, 2)):
            os.dup2(source, target)
        os.chdir(folder)
        os.environ.update(trial.environ, QVL_DOCTOR_TRACEBACK="1", HOME=str(folder), XDG_CACHE_HOME=str(folder / ".c"))
        sys.argv = ["qvl-doctor", *trial.words]
        from doctor.__main__ import main

        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(status)
