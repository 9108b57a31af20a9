"""Runs `nvml.py` in a child of doctor's own interpreter, and gives up on it in time."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from threading import Thread
from typing import Any

from doctor.base.files import Files
from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.collect.machine import nvml_places
from doctor.facts import Problem
from doctor.facts.gpu import Device, GpuProcess, MigInstance, NvmlStatus

MAX_OUTPUT = 4 * 1024 * 1024
MAX_NAME = 120
STATUS_OF: dict[int, NvmlStatus] = {
    4: "no-permission", 9: "no-driver", 12: "no-library", 13: "no-library", 17: "error", 18: "mismatch",
}  # fmt: skip
COMPUTE_MODES = ("default", "exclusive-thread", "prohibited", "exclusive-process")


@dataclass(frozen=True, slots=True)
class Answer:
    """What NVML said until it ended, failed or hung; `detail` is one sentence unless `status` is ok."""

    status: NvmlStatus
    detail: str = ""
    driver_version: str | None = None
    driver_cuda: tuple[int, int] | None = None
    devices: tuple[Device, ...] = ()
    unreadable: tuple[Problem, ...] = ()


class Probe:
    """One child asking NVML. It is never waited for longer than its time-out: a call that hangs in the kernel
    cannot be killed, so the child is left behind, its pipe closed, and doctor goes on."""

    def __init__(self, environ: Mapping[str, str], timeout: float) -> None:
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self.output = bytearray()
        self.problem: str | None = None
        self.child: subprocess.Popen[bytes] | None = None
        folder = _pynvml_folder()
        if folder is None:
            self.problem = "the package `nvidia-ml-py` is not installed with qvl-doctor"
            return
        command = [sys.executable, "-I", "-S", *_script(), folder, str(int(timeout) + 5)]
        try:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=nvml_places.clean(environ), start_new_session=os.name == "posix", close_fds=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            self.problem = f"the NVML child process could not be started: {error}"
            return
        self.reader = Thread(target=self._read, daemon=True)
        self.reader.start()

    def finish(self) -> Answer:
        """What is known when the child ends or its time is over."""
        if self.child is None:
            return Answer("error", one_line(self.problem or "", 200))
        self.reader.join(max(0.0, self.deadline - time.monotonic()))
        code = None
        if not self.reader.is_alive():
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.child.wait(timeout=1.0)
        if code is None:
            self._abandon()
            return _answer(bytes(self.output), f"no answer within {self.timeout:g} s", hung=True)
        return _answer(bytes(self.output), f"the NVML child process exited with status {code}")

    def _abandon(self) -> None:
        assert self.child is not None
        with contextlib.suppress(OSError):
            self.child.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(timeout=0.2)  # one that sleeps in the kernel stays: nobody can end it

    def _read(self) -> None:
        assert self.child is not None and self.child.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            while len(self.output) < MAX_OUTPUT and (part := os.read(self.child.stdout.fileno(), 65536)):
                self.output += part


def _script() -> tuple[str, ...]:
    """What the child runs: the file beside this one, or its text where that is in an archive."""
    place = Path(__file__).with_name("nvml.py")
    if place.is_file():
        return (str(place),)
    loader = globals()["__spec__"].loader
    return ("-c", loader.get_data(str(place)).decode("utf-8"))


def _pynvml_folder() -> str | None:
    try:
        spec = importlib.util.find_spec("pynvml")
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    origin = Path(spec.origin)
    return str(origin.parent.parent if origin.name == "__init__.py" else origin.parent)


def _lines(output: bytes) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue  # a line cut off by a hang
        if isinstance(value, dict):
            yield value


def _answer(output: bytes, ending: str, *, hung: bool = False) -> Answer:
    """The child's lines as one answer; `ending` says how it ended, for when it did not say so itself.

    A line that is not of ours (the driver's library may print too) is passed over.
    """
    seen = _Seen("timed-out" if hung else "error")
    for line in _lines(output):
        with contextlib.suppress(KeyError, IndexError, TypeError, ValueError, AttributeError):
            seen.take(line)
    if seen.status in ("timed-out", "error") and not seen.detail:
        seen.detail = f"{ending}, in `{one_line(seen.step, 80)}`"
    return Answer(
        seen.status, seen.detail, seen.version, seen.cuda, tuple(seen.devices), tuple(seen.unreadable)
    )  # fmt: skip


@dataclass
class _Seen:
    """What the lines told so far."""

    status: NvmlStatus
    detail: str = ""
    step: str = "start"
    version: str | None = None
    cuda: tuple[int, int] | None = None
    devices: list[Device] = field(default_factory=list)
    unreadable: list[Problem] = field(default_factory=list)

    def take(self, line: dict[str, Any]) -> None:
        """One line of the child."""
        self.step = str(line.get("step", self.step))
        if "driver" in line:
            version, cuda = line["driver"]["version"], line["driver"]["cuda"]
            self.version = one_line(version, 40) if version else None
            self.cuda = (cuda // 1000, cuda % 1000 // 10) if cuda else None
        elif "device" in line:
            self.devices.append(_device(line["device"]))
        elif "unreadable" in line:
            self.unreadable.append(Problem(f"device {int(line['unreadable'])}", one_line(line["error"], 200)))
        elif "error" in line:
            self.status = STATUS_OF.get(int(line["code"]), "error")
            self.detail = one_line(line["error"], 200)
        elif line.get("done"):
            anything = self.devices or self.unreadable
            self.status, self.detail = ("ok", "") if anything else ("no-devices", "NVML reports no device")


def _device(raw: dict[str, Any]) -> Device:
    mode, held = raw.get("mode"), raw.get("processes")
    shared = _system_memory() if raw["total"] is None else (0, None)
    return Device(
        index=raw["index"], name=one_line(raw["name"], MAX_NAME),
        capability=(raw["capability"][0], raw["capability"][1]),
        memory_total=shared[0] if raw["total"] is None else raw["total"],
        memory_free=shared[1] if raw["total"] is None else raw["free"], unified_memory=raw["total"] is None,
        reserved=raw.get("reserved"),
        uuid=raw.get("uuid"), bus_id=raw.get("bus"),
        mig_enabled=None if raw.get("mig_mode") is None else bool(raw["mig_mode"]),
        mig=tuple(MigInstance(m["uuid"], one_line(m["name"], MAX_NAME), m["total"], m["free"]) for m in raw["mig"]),
        ecc_enabled=None if raw.get("ecc") is None else bool(raw["ecc"]), ecc_errors=raw.get("ecc_errors"),
        compute_mode=COMPUTE_MODES[mode] if isinstance(mode, int) and 0 <= mode < len(COMPUTE_MODES) else None,
        processes=None if held is None else tuple(GpuProcess(p["pid"], _comm(p["pid"]), p["memory"]) for p in held),
    )  # fmt: skip


def _system_memory() -> tuple[int, int | None]:
    """Total and available bytes of the machine's memory, which such a GPU shares."""
    lines = (Files().first_text("/proc/meminfo") or "").splitlines()
    sizes = {w[0].rstrip(":"): int(w[1]) * 1024 for line in lines if len(w := line.split()) > 1 and w[1].isdigit()}
    return sizes.get("MemTotal", 0), sizes.get("MemAvailable")


def _comm(pid: int) -> str | None:
    """The command of a process that uses the GPU; None for one that this process name space does not hold.

    In a container NVML gives the host's numbers, which may be another process's here: one that maps no CUDA library
    is not the one that is meant.
    """
    name = one_line(Files().first_text(f"/proc/{pid}/comm", 64) or "", 40) or None
    maps = Files().first_text(f"/proc/{pid}/maps", MAX_OUTPUT)
    if maps:
        return name if "libcuda" in maps or "nvidia" in maps else None
    return None if any(Files().exists(path) for path in ("/.dockerenv", "/run/.containerenv")) else name
