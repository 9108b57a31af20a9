"""Manifests to services: a service for each container that runs beside the others, and for what an operator starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from doctor.collect.declared.service import Service
from doctor.deployment.kubernetes.containers import service_of
from doctor.deployment.kubernetes.kserve import kserve_services
from doctor.deployment.kubernetes.objects import Object, Objects
from doctor.deployment.kubernetes.pods import Pod, pods_of
from doctor.deployment.kubernetes.ray import ray_services
from doctor.deployment.values import at, listed, text

MOST = 500
_OF_AN_OPERATOR: tuple[Callable[[Object, Objects], list[Service] | None], ...] = (kserve_services, ray_services)


def services_of(objects: Objects) -> list[Service]:
    """The services of all objects, in their order."""
    out: list[Service] = []
    for one in objects.all:
        made = next((s for reader in _OF_AN_OPERATOR if (s := reader(one, objects)) is not None), None)
        out += made if made is not None else of_pods(one, objects)
        if len(out) >= MOST:
            break
    return out[:MOST]


def of_pods(one: Object, objects: Objects) -> list[Service]:
    """The services of an object's own containers."""
    return [s for pod in pods_of(one) for s in pod_services(pod, objects)]


def pod_services(pod: Pod, objects: Objects) -> Iterator[Service]:
    """One service for each container, and for init containers that keep running; the others end before."""
    lasting = [c for c in listed(pod.spec, "initContainers") if text(at(c, "restartPolicy")) == "Always"]
    containers = [c for c in (*listed(pod.spec, "containers"), *lasting) if isinstance(c, dict)]
    for container in containers:
        parts = [pod.role, text(container.get("name")) if len(containers) > 1 else ""]
        name = "/".join((pod.owner.name, *filter(None, parts)))
        yield replace_named(service_of(pod, container, objects), name, text(container.get("name")))


def replace_named(service: Service, name: str, container: str) -> Service:
    """The service under this name, which its container's name finds, too."""
    return replace(service, name=name, labels=(*service.labels, container))
