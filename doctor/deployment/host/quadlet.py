"""Quadlet: `.container` units, of which Podman makes services, as the container that they run."""

from __future__ import annotations

import re
from dataclasses import replace

from doctor.collect.declared.service import Service
from doctor.deployment.host import specifiers
from doctor.deployment.host.source import Source
from doctor.deployment.host.systemd import environment
from doctor.deployment.host.unit_file import expanded, last, sections, split, values
from doctor.facts.launch import QUADLET
from doctor.launch.container import read_docker_run
from doctor.launch.inner import volume_places

# keys with the option of `podman run` that they stand for
_OPTIONS = {
    "AddDevice": "--device", "ShmSize": "--shm-size", "PublishPort": "-p", "Volume": "-v", "Network": "--network",
    "HealthCmd": "--health-cmd", "HealthStartPeriod": "--health-start-period", "HealthInterval": "--health-interval",
    "HealthRetries": "--health-retries", "WorkingDir": "--workdir", "Entrypoint": "--entrypoint", "Mount": "--mount",
    "Memory": "--memory",
}  # fmt: skip


def is_quadlet(source: Source) -> bool:
    """Whether it is a unit of a container."""
    return bool(re.search(r"^\s*\[Container\]\s*$", source.text, re.MULTILINE))


def services(source: Source) -> list[Service]:
    """The unit's container."""
    unit = sections(source.text)
    keys = unit.get("Container", [])
    known = specifiers.of_unit(source.name, None)
    outer, _ = environment(source, unit, "Service", known)
    variables, unread = environment(source, unit, "Container", known)
    options = [w for key, option in _OPTIONS.items() for v in values(keys, key)
               for w in (option, specifiers.replaced(v, known))]  # fmt: skip
    options += [w for line in values(keys, "PodmanArgs") for w in split(specifiers.replaced(line, known))]
    image = specifiers.replaced(last(keys, "Image") or "", known)
    unset: set[str] = set()
    words = expanded([specifiers.replaced(w, known) for w in split(last(keys, "Exec") or "")], outer, unset)
    run = read_docker_run((*options, image or "-", *words), {}, source.folder)
    name = last(keys, "ContainerName") or source.name.rpartition(".")[0]
    service = Service(
        name, image or None, kind="Quadlet unit", file=source.name, labels=(source.name, source.name.partition(".")[0]),
        command=tuple(words) or None, variables=variables,
        folder=last(keys, "WorkingDir"), notes=unread,
    )  # fmt: skip
    service.lacking.unset |= unset
    if run is not None:
        service.entrypoint = run.entrypoint
        service.container = replace(run.container, how=QUADLET)
        service.places = volume_places(run.container.volumes, source.folder)
    if image.endswith((".image", ".build")):
        service.unread = f"`{source.name}` starts from `{image}`, another unit; pass the image that it names"
    return [service]
