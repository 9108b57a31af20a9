"""SkyPilot tasks: `setup` installs, `run` starts, on machines that `resources` names."""

from __future__ import annotations

from typing import Any

from doctor.collect.declared.service import Service
from doctor.deployment.host.source import Source
from doctor.deployment.values import at, listed, mapping, number, text


def is_sky(document: Any) -> bool:
    """Whether it is a task: shell text to run, and what it runs on."""
    beside = ("resources", "setup", "service", "envs", "num_nodes", "workdir", "file_mounts", "secrets")
    return isinstance(at(document, "run"), str) and any(key in document for key in beside)


def services(document: Any, source: Source) -> list[Service]:
    """The task's `run`, in its image where it names one."""
    resources = _resources(document)
    name = text(at(document, "name")) or source.name
    environ = {str(k): text(v) for k, v in {**mapping(document, "envs"), **mapping(document, "secrets")}.items()
               if v is not None}  # fmt: skip
    card, count = _card(resources.get("accelerators"))
    nodes = max(number(at(document, "num_nodes"), 1), 1)
    environ |= {"SKYPILOT_NUM_GPUS_PER_NODE": str(count), "SKYPILOT_NUM_NODES": str(nodes), "SKYPILOT_NODE_RANK": "0",
                "SKYPILOT_NODE_IPS": "10.0.0.1"}  # fmt: skip
    image = text(resources.get("image_id"))
    image = image.removeprefix("docker:") if image.startswith("docker:") else ""
    script = text(at(document, "run"))
    return [
        Service(
            name, image or None, kind="SkyPilot task", file=source.name, host=not image, variables=environ,
            entrypoint=("bash", "-c", script) if image else None, nodes=nodes, gpus=count if card else None,
            command=None if image else ("bash", "-c", script), installs=text(at(document, "setup")), elsewhere=True,
            gpu=f"{card}x{count}" if card else "",
        )
    ]  # fmt: skip


def _resources(document: Any) -> dict[str, Any]:
    """The first choice: `any_of` and `ordered` list several."""
    here = dict(mapping(document, "resources"))
    choice = next((c for key in ("any_of", "ordered") for c in listed(here, key) if isinstance(c, dict)), {})
    return {**here, **choice}


def _card(raw: Any) -> tuple[str, int]:
    """`L4:1`, `{L4: 1, A10G: 1}` and `[L4:1, A100:1]` as the first card and its count."""
    if isinstance(raw, dict):
        raw = next((f"{k}:{text(v) or 1}" for k, v in raw.items()), "")
    if isinstance(raw, list):
        raw = raw[0] if raw else ""
    name, _, count = text(raw).partition(":")
    return name, max(number(count, 1), 1)
