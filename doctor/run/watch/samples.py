"""Memory over time: the group's resident memory, the host's, and each GPU's, once a second, in a bounded file."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from doctor.base.new_files import create_private, open_append
from doctor.findings.run import Sample
from doctor.report.run.json import record_to_json
from doctor.run.story.runfolder import write
from doctor.run.watch import nvml, sysroot

INTERVAL = 1.0
LIMIT = 1 << 20
COST_SHARE = 400
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident(pid: int) -> int:
    """Bytes of memory that a process holds, shared pages included; 0 when it is gone."""
    fields = (sysroot.read_file(f"/proc/{pid}/statm", 256) or "").split()
    return int(fields[1]) * _PAGE if len(fields) > 1 else 0


def available() -> int | None:
    """Bytes of memory that the host can still give, or None."""
    for line in (sysroot.read("/proc/meminfo", 8192) or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


class Sampler(threading.Thread):
    """Writes a line a second to `path`; slows down when a sample costs much, halves its own past when it grows."""

    def __init__(self, path: Path, pids: Callable[[], list[int]], began: float) -> None:
        super().__init__(daemon=True, name="samples")
        self.path, self.pids, self.began = path, pids, began
        self.latest = Sample()
        self.first_gpu: dict[int, int] = {}
        self.peaks: dict[int, int] = {}
        self.stopping = False
        self._gpus = nvml.Gpus()
        self._fd = -1

    def run(self) -> None:
        """Samples until told to stop; NVML may hang here without anybody waiting for it."""
        self._gpus.open()
        while not self.stopping:
            cost = time.thread_time()
            self._sample()
            cost = time.thread_time() - cost
            time.sleep(max(INTERVAL, cost * COST_SHARE))

    def _sample(self) -> None:
        pids = self.pids()
        each = {pid: resident(pid) for pid in pids}
        for pid, size in each.items():
            self.peaks[pid] = max(size, self.peaks.get(pid, 0))
        used = {gpu: memory[0] for gpu, memory in self._gpus.memory().items()}
        self.first_gpu = self.first_gpu or used
        now = round(time.monotonic() - self.began, 1)
        by_gpu = {str(gpu): count for gpu, count in used.items()} or None
        self.latest = Sample(now, sum(each.values()), available(), by_gpu)
        with contextlib.suppress(OSError):
            self._append(json.dumps(record_to_json(self.latest)).encode() + b"\n")

    def _append(self, line: bytes) -> None:
        if self._fd < 0:
            self._fd = create_private(self.path, append=True)
        os.write(self._fd, line)
        if os.fstat(self._fd).st_size > LIMIT:
            self._thin()

    def _thin(self) -> None:
        """Keeps every second row of the older three quarters."""
        rows = self.path.read_bytes().splitlines(keepends=True)
        cut = len(rows) * 3 // 4
        write(self.path.parent, self.path.name, b"".join(rows[:cut:2] + rows[cut:]).decode())
        os.close(self._fd)
        self._fd = open_append(self.path)
