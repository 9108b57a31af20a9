"""Asks NVML about every device; a program of its own, because a driver can hang or crash whoever asks it.

Run as `python -I -S nvml.py FOLDER SECONDS`: where `pynvml` lies, and how long this process may live at most. It
writes JSON, one object a line, as soon as it knows it: `{"step": ...}` before each call that may hang,
`{"driver": ...}`, `{"device": ...}`, `{"done": true}`. Whoever reads it keeps what came before a hang. It imports
nothing of doctor.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

MAX_DEVICES = 64
MAX_MIG = 16
UNCORRECTED, VOLATILE = 1, 0


def main(folder: str, lifetime: str) -> None:
    """Tells everything to stdout; the last line is `{"done": true}` or `{"error": ..., "code": ...}`."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(lifetime))  # nobody may be left to end us
    sys.path.append(folder)
    tell({"step": "import pynvml"})
    import pynvml

    try:
        tell({"step": "nvmlInit"})
        pynvml.nvmlInit()
        tell({"driver": driver(pynvml)})
        tell({"step": "nvmlDeviceGetCount"})
        for index in range(min(pynvml.nvmlDeviceGetCount(), MAX_DEVICES)):
            tell(device(pynvml, index))
    except pynvml.NVMLError as error:
        tell({"error": str(error), "code": error.value})
        return
    tell({"done": True})


def tell(value: dict[str, Any]) -> None:
    """One line of JSON, at once."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def driver(nvml: Any) -> dict[str, Any]:
    """The driver's version and the newest CUDA it runs, as it says itself (13000 is CUDA 13.0)."""
    tell({"step": "nvmlSystemGetDriverVersion"})
    version = ask(nvml, "nvmlSystemGetDriverVersion")
    tell({"step": "nvmlSystemGetCudaDriverVersion"})
    cuda = ask(nvml, "nvmlSystemGetCudaDriverVersion_v2") or ask(nvml, "nvmlSystemGetCudaDriverVersion")
    return {"version": version, "cuda": cuda}


def device(nvml: Any, index: int) -> dict[str, Any]:
    """All about one device, or `{"unreadable": index, "error": ...}` where its name, memory or capability fail."""
    tell({"step": f"nvmlDeviceGetHandleByIndex({index})"})
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        name = ask(nvml, "nvmlDeviceGetName", handle) or f"device {index}"
        tell({"step": f"nvmlDeviceGetMemoryInfo({index})"})
        total, free = memory(nvml, handle)
        capability = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    except (nvml.NVMLError, ValueError) as error:
        return {"unreadable": index, "error": str(error), "code": getattr(error, "value", None)}
    tell({"step": f"details of device {index}"})
    mig = ask(nvml, "nvmlDeviceGetMigMode", handle)
    return {
        "device": {
            "index": index, "name": name, "total": total, "free": free, "reserved": reserved(nvml, handle, total),
            "capability": [int(part) for part in capability], "uuid": ask(nvml, "nvmlDeviceGetUUID", handle),
            "bus": bus(nvml, handle), "mig_mode": mig[0] if mig else None,
            "mig": instances(nvml, handle) if mig and mig[0] else [],
            "ecc": first(ask(nvml, "nvmlDeviceGetEccMode", handle)),
            "ecc_errors": ask(nvml, "nvmlDeviceGetTotalEccErrors", handle, UNCORRECTED, VOLATILE),
            "mode": ask(nvml, "nvmlDeviceGetComputeMode", handle), "processes": processes(nvml, handle),
        }
    }  # fmt: skip


def memory(nvml: Any, handle: Any) -> tuple[int | None, int | None]:
    """Total and free bytes; None for a GPU that shares the system's memory (Grace Blackwell desktops, Jetson)."""
    try:
        info = nvml.nvmlDeviceGetMemoryInfo(handle)
    except nvml.NVMLError as error:
        if error.value == nvml.NVML_ERROR_NOT_SUPPORTED:
            return None, None
        raise
    return int(info.total), int(info.free)


def reserved(nvml: Any, handle: Any, total: int | None) -> int | None:
    """Bytes that the driver keeps for itself: CUDA counts them neither as free nor as the GPU's; None before 510."""
    version = getattr(nvml, "nvmlMemory_v2", None)
    if total is None or version is None:
        return None
    try:
        kept = int(nvml.nvmlDeviceGetMemoryInfo(handle, version).reserved)
    except (nvml.NVMLError, ValueError, TypeError):
        return None
    return kept if 0 <= kept < total // 4 else None


def ask(nvml: Any, function: str, *arguments: Any) -> Any:
    """What NVML answers, text as str; None where this driver, card or user does not get an answer."""
    call = getattr(nvml, function, None)
    try:
        return None if call is None else plain(call(*arguments))
    except (nvml.NVMLError, ValueError):
        return None


def plain(value: Any) -> Any:
    """Bytes, which old bindings return, as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def first(value: Any) -> Any:
    """The first item of a list or tuple: the mode that holds now, not the pending one."""
    return value[0] if isinstance(value, (list, tuple)) and value else None


def bus(nvml: Any, handle: Any) -> str | None:
    """The device's address on the PCI bus."""
    info = ask(nvml, "nvmlDeviceGetPciInfo", handle)
    return plain(info.busId) if info is not None else None


def instances(nvml: Any, handle: Any) -> list[dict[str, Any]]:
    """The MIG instances of a device."""
    found = []
    for index in range(min(ask(nvml, "nvmlDeviceGetMaxMigDeviceCount", handle) or 0, MAX_MIG)):
        part = ask(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", handle, index)
        if part is not None:
            size = ask(nvml, "nvmlDeviceGetMemoryInfo", part)
            found.append({
                "uuid": ask(nvml, "nvmlDeviceGetUUID", part) or "", "name": ask(nvml, "nvmlDeviceGetName", part) or "",
                "total": int(size.total) if size else None, "free": int(size.free) if size else None,
            })  # fmt: skip
    return found


def processes(nvml: Any, handle: Any) -> list[dict[str, Any]] | None:
    """Who holds memory, by compute and by graphics; None where the driver answers neither question."""
    answers = [running(nvml, handle, kind) for kind in ("Compute", "Graphics")]
    if answers == [None, None]:
        return None
    held = {p.pid: p.usedGpuMemory for answer in answers for p in answer or ()}
    return [{"pid": int(pid), "memory": None if used is None else int(used)} for pid, used in held.items()]


def running(nvml: Any, handle: Any, kind: str) -> Any:
    """The processes of one kind, by the newest question that this driver knows."""
    questions = (f"nvmlDeviceGet{kind}RunningProcesses{version}" for version in ("_v3", "_v2", ""))
    return next((found for q in questions if (found := ask(nvml, q, handle)) is not None), None)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
