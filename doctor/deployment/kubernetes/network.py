"""The names and ports at which other pods reach a pod: those of the Services that select it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.base.text import one_line
from doctor.deployment.kubernetes.objects import SERVICE, Object, Objects
from doctor.deployment.values import at, listed, mapping, text

DEFAULT = "default"
MOST = 100


def hosts_of(labels: Mapping[str, Any], objects: Objects, namespace: str) -> tuple[str, ...]:
    """Each Service's name, alone and with its namespace, as the cluster's DNS knows it."""
    space, out = namespace or DEFAULT, list[str]()
    for one in _selecting(labels, objects, namespace):
        name = one_line(one.name, 100)
        out += [name, *(f"{name}.{space}{rest}" for rest in ("", ".svc", ".svc.cluster.local"))]
    return tuple(dict.fromkeys(out))[:MOST]


def forwards_of(
    labels: Mapping[str, Any], container: Mapping[str, Any], objects: Objects, namespace: str
) -> tuple[str, ...]:
    """`80:8000` for each port of the Services and the pod's port behind it; a headless one leads to the pod itself."""
    named = {text(at(p, "name")): text(at(p, "containerPort")) for p in listed(container, "ports")}
    out = []
    for one in _selecting(labels, objects, namespace):
        headless = text(at(one.body, "spec", "clusterIP")) == "None"
        for port in () if headless else listed(one.body, "spec", "ports"):
            outer = text(at(port, "port"))
            inner = text(at(port, "targetPort")) or outer
            inner = named.get(inner, inner)
            if outer.isdigit() and inner.isdigit() and len(outer + inner) < 11:
                out.append(f"{outer}:{inner}")
    return tuple(dict.fromkeys(out))[:MOST]


def _selecting(labels: Mapping[str, Any], objects: Objects, namespace: str) -> Iterator[Object]:
    for one in objects.of(SERVICE, namespace):
        chosen = mapping(one.body, "spec", "selector")
        if chosen and all(labels.get(k) == v for k, v in chosen.items()):
            yield one
