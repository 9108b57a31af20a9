"""GPU memory through NVML, read only; a machine without a GPU or a driver has none, and says why."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from doctor.collect.machine import nvml_places
from doctor.collect.machine.descriptors import descriptors


class Gpus:
    """The GPUs that NVML shows. Every call may be made without one; `why` says what is missing."""

    def __init__(self) -> None:
        self.why: str | None = "not checked"
        self._nvml: Any = None
        self._handles: dict[int, Any] = {}

    def open(self) -> Gpus:
        """Loads NVML; may take a second, and may hang where the driver does: call it in a thread."""
        if not any(os.path.exists(p) for p in ("/dev/nvidiactl", "/dev/dxg")) and os.name == "posix":  # noqa: PTH110
            self.why = "this system has no NVIDIA device file"
            return self
        self.why = nvml_places.preload(os.environ)
        if self.why:
            return self
        try:
            import pynvml
        except ImportError:
            self.why = "the NVML bindings are not installed"
            return self
        self._nvml = pynvml
        try:
            pynvml.nvmlInit()
            self.why = None
            for number in range(pynvml.nvmlDeviceGetCount()):
                self._handles[number] = pynvml.nvmlDeviceGetHandleByIndex(number)
        except pynvml.NVMLError as e:
            self.why = f"NVML says: {e}"
        return self

    def memory(self) -> dict[int, tuple[int, int]]:
        """Bytes used and bytes there are, by GPU number."""
        out = {}
        for number, handle in self._handles.items():
            with contextlib.suppress(self._nvml.NVMLError):
                found = self._nvml.nvmlDeviceGetMemoryInfo(handle)
                out[number] = (int(found.used), int(found.total))
        return out

    def by_process(self) -> dict[int, int | None]:
        """Bytes that each process holds, by pid; None where the driver does not tell how much (WSL, MIG)."""
        out: dict[int, int | None] = {}
        for handle in self._handles.values():
            for kind in ("Compute", "Graphics"):
                with contextlib.suppress(self._nvml.NVMLError, AttributeError):
                    for entry in getattr(self._nvml, f"nvmlDeviceGet{kind}RunningProcesses")(handle):
                        used, before = entry.usedGpuMemory, out.get(entry.pid)
                        out[entry.pid] = used if before is None else before + (used or 0)
        return out

    def __len__(self) -> int:
        return len(self._handles)


def has_device_open(pid: int) -> bool:
    """Whether a process has a GPU's device file open: the sign that is left where NVML hides pids (containers, WSL)."""
    with contextlib.suppress(OSError):
        for _, target in descriptors(pid):
            if target == "/dev/dxg" or (target.startswith("/dev/nvidia") and target[11:].isdigit()):
                return True
    return False
