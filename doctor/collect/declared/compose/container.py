"""What a compose service asks of its container: GPUs, shared memory, ports, volumes, health check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from doctor.base.text import one_line
from doctor.collect.declared.compose.ports import PortError, ports_of
from doctor.facts import Container
from doctor.launch.container import patience, size_of
from doctor.launch.waiting import local_ports

_MOST = 100
Text = Callable[[Any], str]


def container_of(raw: Mapping[str, Any], image: str | None, text: Text) -> Container:
    """The container of a service; `text` resolves a scalar and the variables in it."""
    gpus, capabilities = _gpus(raw, text)
    limits = _at(raw, "deploy", "resources", "limits")
    memory = raw.get("mem_limit", limits.get("memory"))
    return Container(
        "docker compose", image, gpus, capabilities, _one(raw.get("runtime"), text),
        size_of(_one(raw.get("shm_size"), text)), _one(raw.get("ipc"), text), size_of(_one(memory, text)),
        _ports(raw, text), tuple(_volume(v, text) for v in _list(raw.get("volumes"))), _health(raw.get("healthcheck")),
        _one(raw.get("restart"), text) or _one(_at(raw, "deploy", "restart_policy").get("condition"), text),
        _patience(raw.get("healthcheck"), text), probed=_probed(raw.get("healthcheck"), text),
    )  # fmt: skip


def _probed(raw: Any, text: Text) -> tuple[str, ...]:
    """The ports that the health check asks, each as `healthcheck 8000`."""
    if not _health(raw) or raw.get("test") is None:
        return ()
    test = raw["test"]
    words = [text(w) for w in test[:_MOST]] if isinstance(test, list) else [text(test)]
    words = words[1:] if words[:1] in (["CMD"], ["CMD-SHELL"]) else words
    return tuple(f"healthcheck {port}" for port in local_ports([" ".join(words)])[:_MOST])


def _gpus(raw: Mapping[str, Any], text: Text) -> tuple[str | None, tuple[str, ...]]:
    """`gpus: all` (compose 2.30), or the reservation of devices below `deploy`; of several the one that asks most."""
    if isinstance(raw.get("gpus"), (str, int)):
        return text(raw["gpus"]), ("gpu",)
    found = []
    for device in _list(raw.get("gpus")) or _list(_at(raw, "deploy", "resources", "reservations").get("devices")):
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


def _health(raw: Any) -> bool | None:
    if not isinstance(raw, dict):
        return None
    test = raw.get("test")
    return not (raw.get("disable") is True or test in ("NONE", ["NONE"]))


def _patience(raw: Any, text: Text) -> int | None:
    if not _health(raw) or "test" not in raw:
        return None
    return patience(*(_one(raw.get(k), text) for k in ("start_period", "interval", "retries")))


def _at(raw: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw if isinstance(raw, Mapping) else {}


def _list(raw: Any) -> list[Any]:
    return raw[:_MOST] if isinstance(raw, list) else []


def _one(raw: Any, text: Text) -> str | None:
    return one_line(text(raw), 200) or None if isinstance(raw, (str, int, float)) else None
