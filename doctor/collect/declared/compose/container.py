"""What a compose service asks of its container: GPUs, shared memory, ports, volumes, health check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from doctor.base.text import one_line
from doctor.base.values import mapping
from doctor.collect.declared.compose.ports import PortError, ports_of
from doctor.collect.declared.health import HealthCheck
from doctor.facts import Container
from doctor.launch.container import size_of

_MOST = 100
Text = Callable[[Any], str]


def container_of(raw: Mapping[str, Any], image: str | None, text: Text) -> Container:
    """The container of a service but for its health check; `text` resolves a scalar and the variables in it."""
    gpus, capabilities = _gpus(raw, text)
    limits = mapping(raw, "deploy", "resources", "limits")
    memory = raw.get("mem_limit", limits.get("memory"))
    return Container(
        "docker compose", image, gpus, capabilities, _one(raw.get("runtime"), text),
        size_of(_one(raw.get("shm_size"), text)), _one(raw.get("ipc"), text), size_of(_one(memory, text)),
        _ports(raw, text), tuple(_volume(v, text) for v in _list(raw.get("volumes"))),
        restart=_one(raw.get("restart"), text) or _one(mapping(raw, "deploy", "restart_policy").get("condition"), text),
    )  # fmt: skip


def health_of(raw: Any, text: Text) -> HealthCheck | None:
    """The health check of a service as it is stated; None where nothing is."""
    if not isinstance(raw, Mapping):
        return None
    test = raw.get("test")
    words = tuple(text(w) for w in test[:_MOST]) if isinstance(test, list) else (text(test),) if test else None
    if raw.get("disable") is True or words == ("NONE",):
        return HealthCheck(off=True)
    shell = not isinstance(test, list) or words[:1] == ("CMD-SHELL",) if words else False
    if words and isinstance(test, list) and words[0] in ("CMD", "CMD-SHELL"):
        words = words[1:]
    start, interval, retries = (_one(raw.get(k), text) for k in ("start_period", "interval", "retries"))
    return HealthCheck(words, shell, start, interval, retries)


def _gpus(raw: Mapping[str, Any], text: Text) -> tuple[str | None, tuple[str, ...]]:
    """`gpus: all` (compose 2.30), or the reservation of devices below `deploy`; of several the one that asks most."""
    if isinstance(raw.get("gpus"), (str, int)):
        return text(raw["gpus"]), ("gpu",)
    found = []
    for device in _list(raw.get("gpus")) or _list(mapping(raw, "deploy", "resources", "reservations").get("devices")):
        if not isinstance(device, dict):
            continue
        capabilities = tuple(text(c) for c in _list(device.get("capabilities")))
        ids = [text(i) for i in _list(device.get("device_ids"))]
        if "gpu" in capabilities or device.get("driver") in ("nvidia", "cdi") or raw.get("gpus"):
            asked = f"device={','.join(ids)}" if ids else text(device.get("count", "all"))
            implied = ("gpu",) if raw.get("gpus") else ()
            found.append(("all" if asked == "-1" else asked, capabilities or implied))
    named = [d for d in map(text, _list(raw.get("devices"))) if d.startswith("nvidia.com/gpu")]
    found += [(named[0].partition("=")[2] or "all", ("gpu",))] if named and not found else []
    return max(found, key=lambda one: _many(one[0]), default=(None, ()))


def _many(asked: str) -> int:
    """How many GPUs that is; `all` is more than any number."""
    if asked.startswith("device="):
        return asked.count(",") + 1
    return int(asked) if asked.isdigit() and len(asked) < 6 else 1 << 20


def _ports(raw: Mapping[str, Any], text: Text) -> tuple[str, ...]:
    """The ports as Docker publishes them; those that Compose refuses as they are written."""
    if raw.get("network_mode") == "host":
        return ("host",)
    try:
        return ports_of(raw.get("ports"))
    except PortError:
        return tuple(one_line(text(p), 100) for p in _list(raw.get("ports")) if not isinstance(p, dict))


def _volume(raw: Any, text: Text) -> str:
    if isinstance(raw, dict):
        return one_line(f"{text(raw.get('source', ''))}:{text(raw.get('target', ''))}", 300)
    return one_line(text(raw), 300)


def _list(raw: Any) -> list[Any]:
    return raw[:_MOST] if isinstance(raw, list) else []


def _one(raw: Any, text: Text) -> str | None:
    return one_line(text(raw), 200) or None if isinstance(raw, (str, int, float)) else None
