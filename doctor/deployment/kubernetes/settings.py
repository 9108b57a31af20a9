"""What a pod gives a container: GPUs, shared memory, volumes, ports, and how long its probes wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.deployment.kubernetes.objects import SERVICE, Objects
from doctor.deployment.values import at, listed, mapping, number, text
from doctor.facts import Container
from doctor.facts.launch import KUBERNETES, NODE_MEMORY
from doctor.launch.waiting import checks

GPU = late_pattern(
    r"nvidia\.com/(?:gpu|mig-)|amd\.com/gpu|gpu\.intel\.com/|habana\.ai/|google\.com/tpu|.*/(?:npu|gpu)\b"
)
_PART = late_pattern(r".*/gpu(?:mem|cores|-mem|-core|-memory)")  # a share of a GPU's memory or cores, and no count
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_QUANTITY = late_pattern(r"(\d{1,15}(?:\.\d{1,6})?)([kKMGTP]i?|m)?$")
_UNITS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
          "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50}  # fmt: skip


def settings_of(
    pod: Mapping[str, Any], container: Mapping[str, Any], image: str | None, ports: tuple[str, ...]
) -> Container:
    """The container as the rules see it; `ports` are those on which others reach it."""
    shared, kind = _shared_memory(pod, container)
    probe = _deadly(container)
    gpus = _gpus(container)
    memory = bytes_of(at(container, "resources", "limits", "memory"))
    return Container(
        KUBERNETES, image, gpus, ("gpu",) if gpus else (), text(pod.get("runtimeClassName")) or None,
        shared, "host" if at(pod, "hostIPC") is True else kind, memory,
        ports, tuple(_volumes(pod, container)), probe is not None or None, text(pod.get("restartPolicy")) or None,
        None if probe is None else patience(probe), probed=tuple(_probed(pod, container)),
    )  # fmt: skip


def _gpus(container: Mapping[str, Any]) -> str | None:
    """How many GPUs it asks for; a text that is no number where a claim decides it, None for no request."""
    resources = mapping(container, "resources")
    asked = {**mapping(resources, "requests"), **mapping(resources, "limits")}
    counts = [number(v, 0) for k, v in list(asked.items())[:100] if GPU.match(str(k)) and not _PART.match(str(k))]
    if any(counts):
        return str(sum(counts))
    return "claim" if listed(resources, "claims") else None


def _shared_memory(pod: Mapping[str, Any], container: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """The size of `/dev/shm` and what gives it, (None, None) for the runtime's default of 64 MiB."""
    for place, volume in mounted(pod, container):
        if place not in ("/dev/shm", "/dev"):
            continue
        size = bytes_of(at(volume, "emptyDir", "sizeLimit"))
        return (size, None) if size is not None else (None, NODE_MEMORY)
    return None, None


def mounted(pod: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every place in the container where a volume is, with that volume."""
    volumes = {text(at(v, "name")): v for v in listed(pod, "volumes") if isinstance(v, dict)}
    for mount in listed(container, "volumeMounts"):
        place = text(at(mount, "mountPath")).rstrip("/") or "/"
        yield place, volumes.get(text(at(mount, "name")), {"name": text(at(mount, "name")), "kept": True})


def _volumes(pod: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    """Those that outlive the pod."""
    for place, volume in mounted(pod, container):
        if not any(k in volume for k in ("emptyDir", "configMap", "secret", "downwardAPI", "projected")):
            yield one_line(f"{text(volume.get('name'))}:{place}", 300)


def _deadly(container: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The probe whose failure restarts the container while it starts: the start probe, else the liveness probe."""
    return mapping(container, "startupProbe") or mapping(container, "livenessProbe") or None


def _probed(pod: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    """The port and path that each probe asks, unless another container of the pod may be the one that answers there."""
    if len(listed(pod, "containers")) != 1:
        return
    named = {text(at(p, "name")): text(at(p, "containerPort")) for p in listed(container, "ports")}
    for probe in PROBES:
        for way in ("httpGet", "tcpSocket"):
            port = text(at(container, probe, way, "port"))
            if port and (number := named.get(port, port)).isdigit() and len(number) < 6:
                yield " ".join((probe, number, *_path(at(container, probe, way), way)))
        command = [text(w) for w in listed(container, probe, "exec", "command")]
        yield from checks(probe, command)


def _path(asked: Any, way: str) -> tuple[str, ...]:
    """The path of an HTTP probe, and whether it sends headers of its own."""
    if way != "httpGet":
        return ()
    path = text(at(asked, "path")) or "/"
    return (one_line(path, 100).replace(" ", "%20"), *(["key"] if listed(asked, "httpHeaders") else []))


def patience(probe: Mapping[str, Any]) -> int:
    """Seconds from the start until the probe has failed for good; Kubernetes' own choices are 0, 10 s and 3."""
    first, period = number(probe.get("initialDelaySeconds"), 0), number(probe.get("periodSeconds"), 10)
    return first + max(period, 1) * max(number(probe.get("failureThreshold"), 3), 1)


def bytes_of(raw: Any) -> int | None:
    """`8Gi`, `512M` in bytes; None for anything else."""
    found = _QUANTITY.match(text(raw).strip())
    return None if found is None or found[2] == "m" else int(float(found[1]) * _UNITS.get(found[2] or "", 1))


def ports_of(pod: Mapping[str, Any], labels: Mapping[str, Any], objects: Objects, namespace: str) -> tuple[str, ...]:
    """The ports on which services reach the pod's only container; `host` where the pod's network is shared.

    `containerPort` is information only. A container with others beside it may be reached through those.
    """
    containers = [c for c in listed(pod, "containers") if isinstance(c, dict)]
    if at(pod, "hostNetwork") is True or len(containers) != 1:
        return ("host",)
    named = {text(at(p, "name")): text(at(p, "containerPort")) for p in listed(containers[0], "ports")}
    out: list[str] = []
    for one in objects.of(SERVICE, namespace):
        chosen = mapping(one.body, "spec", "selector")
        ports = listed(one.body, "spec", "ports")
        if not chosen or len(ports) != 1 or any(labels.get(k) != v for k, v in chosen.items()):
            continue
        target = text(at(ports[0], "targetPort")) or text(at(ports[0], "port"))
        out.append(f"{text(at(ports[0], 'port'))}:{named.get(target, target)}")
    return tuple(one_line(p, 100) for p in out)
