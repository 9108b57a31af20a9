"""Does the server really use a GPU? NVML where it runs on this machine, else what its metrics say."""

from __future__ import annotations

from doctor.collect.machine.gpu import GpuCollection
from doctor.collect.machine.listeners import serving
from doctor.facts import Unavailable
from doctor.facts.gpu import Device, Gpu
from doctor.probe.checks.outcome import Outcome
from doctor.probe.saying import finding
from doctor.probe.talk import Talk

_GIB = 1 << 30


def check(talk: Talk) -> Outcome:
    """The GPU memory of the processes behind the port; what cannot be seen is open."""
    port = talk.address.local_port
    if port is None:
        return _elsewhere(talk, "the server runs on another machine")
    gpu = GpuCollection().finish()
    if isinstance(gpu, Unavailable):
        return _elsewhere(talk, gpu.detail)
    pids = serving(port)
    if not gpu.devices:
        if not pids:
            return _elsewhere(talk, "the process behind the port is not visible, and this machine has no GPU")
        why = gpu.nvml_detail or "NVML lists none"
        return Outcome((finding("SRV211", talk, why=why),))
    return _local(talk, gpu, pids)


def _local(talk: Talk, gpu: Gpu, pids: frozenset[int]) -> Outcome:
    held = [(d, p) for d in gpu.devices for p in d.processes or () if p.pid in pids]
    if held:
        used = sum(p.memory_used or 0 for _, p in held)
        talk.figures["gpu_bytes"] = float(used)
        names = ", ".join(dict.fromkeys(d.name for d, _ in held))
        return Outcome((), f"{used / _GIB:.1f} GiB on {names}" if used else f"on {names}")
    if pids and _visible(gpu.devices):
        return Outcome((finding("SRV210", talk),))
    return _elsewhere(talk, "the driver does not show which processes hold GPU memory (container or WSL)")


def _visible(devices: tuple[Device, ...]) -> bool:
    """Whether the processes that hold memory can be told apart here: none does, or each is one of ours to see."""
    return all(d.processes is not None and all(p.name is not None for p in d.processes) for d in devices)


def _elsewhere(talk: Talk, why: str) -> Outcome:
    """What the metrics say: vLLM counts the blocks of its KV cache."""
    if blocks := talk.figures.get("kv_cache_blocks"):
        usage = talk.figures.get("kv_cache_usage")
        used = f", {usage:.1%} in use" if usage is not None else ""
        return Outcome((), f"its metrics list a KV cache of {blocks:,.0f} GPU blocks{used} ({why})")
    return Outcome((), f"{why}, and its metrics do not say", open=True)
