"""One container of a pod as a service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from doctor.base.text import one_line
from doctor.collect.declared.service import Service
from doctor.deployment.kubernetes.network import forwards_of, hosts_of
from doctor.deployment.kubernetes.objects import CONFIG, SECRET, Objects
from doctor.deployment.kubernetes.pods import Pod, cluster_of
from doctor.deployment.kubernetes.settings import mounted, ports_of, settings_of
from doctor.deployment.kubernetes.variables import Variables, variables_of
from doctor.deployment.values import at, items, listed, mapping, number, text
from doctor.facts.launch import RAY

PARTIAL = ("ServingRuntime", "Config")  # kinds that another object completes


def service_of(pod: Pod, container: Mapping[str, Any], objects: Objects) -> Service:
    """What one container of a pod starts."""
    one = pod.owner
    variables = variables_of(pod.spec, container, objects, one.namespace)
    for name, value in pod.given:
        variables.set(name, value, given=True)
    image, note = _image(variables.filled(text(container.get("image"))).strip())
    ports = ports_of(pod.spec, pod.labels, objects, one.namespace)
    settings = settings_of(pod.spec, container, image, ports)
    if one.kind.startswith("Ray"):
        gpus, nodes = cluster_of(one)
        settings = replace(settings, gpus=gpus, nodes=nodes, how=RAY)
    else:
        claimed = settings.gpus or ("claim" if one.kind.endswith(PARTIAL) else None)
        settings = replace(settings, nodes=pod.nodes, gpus=claimed)
    return Service(
        one.name, image, entrypoint=_filled(variables, container.get("command")),
        command=_filled(variables, container.get("args")), variables=variables.known, container=settings,
        folder=text(container.get("workingDir")) or None, kind=f"Kubernetes {one.kind}", file=one.file,
        labels=(one.name, f"{one.kind}/{one.name}".lower(), *([pod.role] if pod.role else [])),
        nodes=settings.nodes, replicas=max(number(at(one.body, "spec", "replicas"), 1), 0),
        texts=_texts(pod, container, objects), hosts=hosts_of(pod.labels, objects, one.namespace),
        forwards=forwards_of(pod.labels, container, objects, one.namespace),
        pod=f"{one.namespace}/{one.kind}/{one.name}/{pod.role}",
        notes=note, unknown=frozenset(variables.unknown), given=frozenset(variables.given),
    )  # fmt: skip


def _image(given: str) -> tuple[str | None, list[str]]:
    """The image, None for a placeholder that is filled in before the manifest is applied, and what to say of it."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,500}", given):
        return given, []
    return None, [f"`{one_line(given, 100)}` is a placeholder for an image"] if given else []


def _filled(variables: Variables, raw: Any) -> tuple[str, ...] | None:
    found = items(raw)
    return tuple(variables.filled(w) for w in found) if found else None


def _texts(pod: Pod, container: Mapping[str, Any], objects: Objects) -> dict[str, str]:
    """The files that ConfigMaps and Secrets put into the container."""
    out: dict[str, str] = {}
    mounts = {text(at(m, "mountPath")).rstrip("/"): text(at(m, "subPath")) for m in listed(container, "volumeMounts")}
    for place, volume in mounted(pod.spec, container):
        for kind, key, name in ((CONFIG, "configMap", "name"), (SECRET, "secret", "secretName")):
            if key not in volume:
                continue
            source = mapping(volume, key)
            held = objects.texts(kind, pod.owner.namespace, text(source.get(name))) or {}
            paths = {text(at(i, "key")): text(at(i, "path")) for i in listed(source, "items")}
            for entry, value in held.items():
                inside = paths.get(entry, entry) if paths else entry
                chosen = mounts.get(place)
                if not chosen:
                    out[f"{place}/{inside}"] = value
                elif chosen == inside:
                    out[place] = value
    return out
