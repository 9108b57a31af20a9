"""Starts the real `qvl-doctor run` with real processes, and reads what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
_HIDDEN = ("PYTHONUNBUFFERED", "PYTHONFAULTHANDLER", "QVL_LOG_CAP", "QVL_DOCTOR_SYSROOT")


def environment(**more: str) -> dict[str, str]:
    """Ours, without the variables that would hide a fault."""
    env = {k: v for k, v in os.environ.items() if k not in _HIDDEN}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return env | more


class Doctor:
    """One log folder and the runs made in it."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def command(self, server: list[str], *options: str) -> list[str]:
        """The whole command line of a run."""
        return [PYTHON, "-m", "doctor", "run", "--log-dir", str(self.base), *options, "--", *server]

    def run(
        self, server: list[str], *options: str, timeout: float = 60, **kw: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs to the end, both streams in one pipe unless told otherwise."""
        kw = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "stdin": subprocess.DEVNULL,
            "env": environment(),
        } | kw
        return subprocess.run(self.command(server, *options), timeout=timeout, check=False, **kw)

    def start(self, server: list[str], *options: str, **kw: Any) -> subprocess.Popen[bytes]:
        """Starts and returns at once; a session of its own, so that signals hit nobody else."""
        null = subprocess.DEVNULL
        kw = {"stdout": null, "stderr": null, "stdin": null, "env": environment(), "start_new_session": True} | kw
        return subprocess.Popen(self.command(server, *options), **kw)

    @property
    def folder(self) -> Path:
        """The only run's folder."""
        found = [p for p in self.base.iterdir() if p.is_dir()]
        assert len(found) == 1, found
        return found[0]

    @property
    def log(self) -> bytes:
        """The raw bytes of all runs' logs."""
        return b"".join(p.read_bytes() for p in sorted(self.base.glob("*/*.log")))

    @property
    def report(self) -> dict[str, Any]:
        """report.json of the only run."""
        value: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return value

    @property
    def beside(self) -> str:
        """Everything that is no raw log."""
        return "\n".join(p.read_text() for p in sorted(self.base.glob("*/*")) if p.suffix != ".log" and p.is_file())


def wait_for(condition: Callable[[], Any], timeout: float = 15) -> Any:
    """The first true value of `condition`; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not come about in time")


def text(path: Path) -> str:
    """A file's text, empty while there is none."""
    return path.read_text(errors="replace") if path.exists() else ""


def state(pid: int) -> str:
    """The state letter of a process, empty when it is gone."""
    stat = text(Path(f"/proc/{pid}/stat"))
    return stat[stat.rindex(")") + 2] if stat else ""


def alive(pid: int) -> bool:
    """Whether a process lives."""
    return state(pid) not in ("", "Z", "X")


def ended(process: subprocess.Popen[bytes], timeout: float = 25) -> int:
    """The status of a process, which is killed when it does not end."""
    try:
        return process.wait(timeout)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
