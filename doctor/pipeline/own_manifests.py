"""The user's own Kubernetes manifests, as they are written: what corrected ones are made from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from doctor.base.json_object import JsonObject
from doctor.base.late import late_pattern
from doctor.base.secrets.hide import redact_argv
from doctor.base.yaml_text import YamlError, load_all
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import read_text
from doctor.deployment.read import LARGEST, OPTION
from doctor.deployment.values import at, items, listed, mapping, number, text
from doctor.pipeline.one_service import only_service
from doctor.pipeline.placed import Own
from doctor.pipeline.request import Request
from doctor.report.plan.recipe import OwnManifests

_SEPARATOR = late_pattern(r"^---[ \t]*(?:#[^\n]*)?\n", re.M)
_VALUE = late_pattern(r"\s*[^\s#]")
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "LeaderWorkerSet", "ReplicaSet",
         "RayCluster")  # fmt: skip


def own_manifests(request: Request) -> Own | None:
    """The container that the request is about, in its manifests; None where it is about none, or an operator's."""
    if not request.declared.deployments:
        return None
    service = only_service(request).declared.stated
    kind = service.kind.removeprefix("Kubernetes ") if service is not None else ""
    if service is None or kind not in KINDS or not service.labels:
        return None
    every = tuple(_documents(request))
    documents = tuple(d for d, _ in every)
    name, container = service.labels[0], service.labels[-1]
    found = next((d for d in documents if d.get("kind") == kind and at(d, "metadata", "name") == name), None)
    pod = next(((labels, c) for labels, c in _containers(found) if text(c.get("name")) == container), None)
    if pod is None:
        return None
    host, port = next(_services(documents, pod[0]), (None, None))
    own = OwnManifests(documents, kind, name, container, host, port, dict(pod[0]), tuple(t for _, t in every))
    written = (*(items(pod[1].get("command")) or ()), *(items(pod[1].get("args")) or ()))
    return Own(service.name, own, tuple(written), redact_argv(_filled(service)))


def _filled(service: Service) -> tuple[str, ...]:
    return (*(service.entrypoint or ()), *(service.command or ()))


def _documents(request: Request) -> Iterator[tuple[JsonObject, str]]:
    """Every object with its text; without one where that is not all that stands there."""
    for file in request.declared.deployments:
        text = read_text(os.path.join(request.target.cwd, file), OPTION, LARGEST)
        try:
            found = load_all(text)
        except YamlError:
            continue
        texts = _texts(text, len(found))
        for one, mine in zip(found, texts, strict=True):
            inner = [(d, "") for d in listed(one, "items")] if at(one, "kind") == "List" else [(one, mine)]
            yield from ((d, t) for d, t in inner if isinstance(d, dict) and d.get("kind"))


def _texts(text: str, number: int) -> list[str]:
    """The texts of so many documents, those without a value left out."""
    parts = [p for p in _SEPARATOR.split(text) if any(_VALUE.match(line) for line in p.split("\n"))]
    return parts if len(parts) == number else [""] * number


def _containers(found: Any) -> Iterator[tuple[Any, JsonObject]]:
    """Every container of an object, with the labels of its pod; each value is looked at once."""
    todo: list[tuple[Any, Any]] = [(found, {})]
    seen: set[int] = set()
    while todo:
        here, labels = todo.pop(0)
        if not isinstance(here, dict) or id(here) in seen:
            continue
        seen.add(id(here))
        labels = mapping(here, "metadata", "labels") or labels
        yield from ((labels, c) for c in listed(here, "containers") if isinstance(c, dict))
        todo += [(value, labels) for value in here.values()]


def _services(documents: tuple[JsonObject, ...], labels: Any) -> Iterator[tuple[str, int]]:
    """Name and port of each Service that selects a pod with these labels."""
    for one in documents:
        selector = mapping(one, "spec", "selector")
        if one.get("kind") == "Service" and selector and all(labels.get(k) == v for k, v in selector.items()):
            for port in listed(one, "spec", "ports"):
                yield text(at(one, "metadata", "name")), number(at(port, "port"), 80)
