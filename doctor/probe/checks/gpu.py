"""Does the server really use a GPU? NVML where it runs on this machine, else what its metrics say."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.collect.machine.gpu import GpuCollection
from doctor.collect.machine.listeners import Serving, serving
from doctor.facts import Unavailable
from doctor.facts.gpu import Device, Gpu
from doctor.probe.checks.outcome import Outcome
from doctor.probe.saying import finding
from doctor.probe.talk import Talk

_GIB = 1 << 30
_IDLE = _GIB  # bytes that drivers and desktops take, and no model
# what the program that listens is called where it is the server itself; any other may pass on what it gets, such as a
# forwarded port, a tunnel or a proxy. A thread may name its process after the engine (`VLLM::EngineCor`).
_SERVER = late_pattern(r"(?i)python|vllm|sglang|lmdeploy|transformers|uvicorn|gunicorn|ray|llama")


def check(talk: Talk) -> Outcome:
    """The GPU memory of the processes behind the port; what cannot be seen is open."""
    port = talk.address.local_port
    if port is None:
        return _elsewhere(talk, "the server runs on another machine")
    gpu = GpuCollection().finish()
    if isinstance(gpu, Unavailable):
        return _elsewhere(talk, gpu.detail)
    return outcome(talk, gpu, serving(port))


def outcome(talk: Talk, gpu: Gpu, here: Serving) -> Outcome:
    """What this machine's GPUs say of the processes behind the port."""
    held = [(d, p) for d in gpu.devices for p in d.processes or () if p.pid in here.pids]
    if held:
        used = sum(p.memory_used or 0 for _, p in held)
        talk.figures["gpu_bytes"] = float(used)
        names = ", ".join(dict.fromkeys(d.name for d, _ in held))
        return Outcome((), f"{used / _GIB:.1f} GiB on {names}" if used else f"on {names}")
    if not here.pids:
        return _elsewhere(talk, "the process behind the port is not visible to this user")
    if talk.server == "LiteLLM":
        return _elsewhere(talk, "what listens here passes requests on")
    if not any(map(_SERVER.match, here.names)):
        names = ", ".join(f"`{n}`" for n in sorted(here.names)[:3] if n) or "a program without a name"
        return _elsewhere(talk, f"{names} listens here, and may pass requests on to another machine")
    if not gpu.devices:
        return Outcome((finding("SRV211", talk, why=gpu.nvml_detail or "NVML lists none"),))
    if (taken := _taken(gpu.devices)) is None:
        return _elsewhere(talk, "the driver does not say who holds GPU memory")
    if taken > _IDLE:
        return _elsewhere(talk, f"{taken / _GIB:.1f} GiB of GPU memory are in use, but by whom is not visible here")
    return Outcome((finding("SRV210", talk),))


def _taken(devices: tuple[Device, ...]) -> int | None:
    """Bytes in use on all devices; None where the driver does not say."""
    if any(d.memory_free is None for d in devices):
        return None
    return sum(d.memory_total - (d.memory_free or 0) for d in devices)


def _elsewhere(talk: Talk, why: str) -> Outcome:
    """What the metrics say: vLLM counts the blocks of its KV cache."""
    if blocks := talk.figures.get("kv_cache_blocks"):
        usage = talk.figures.get("kv_cache_usage")
        used = f", {usage:.1%} in use" if usage is not None else ""
        return Outcome((), f"its metrics list a KV cache of {blocks:,.0f} GPU blocks{used} ({why})")
    return Outcome((), f"{why}, and its metrics do not say", open=True)
