"""The container of the launch, and how a setting of it is written."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.facts import Container, Facts, Launch
from doctor.facts.launch import DOCKERFILE, KUBERNETES, QUADLET
from doctor.findings import Action, Remediation


def container_of(facts: Facts) -> Container | None:
    """The container that an engine is launched in; None, too, where only the image is known, and not how it starts."""
    found = checked_container(facts)
    return found if found is not None and found.how != DOCKERFILE else None


def checked_container(facts: Facts) -> Container | None:
    """The same, also for an image alone, of which the health check is known."""
    launch = facts.launch
    return launch.container if isinstance(launch, Launch) and launch.engine is not None else None


def in_compose(container: Container) -> bool:
    """Whether it is a service of a compose file."""
    return "compose" in container.how


def in_pod(container: Container) -> bool:
    """Whether it is a container of a Kubernetes pod."""
    return container.how.startswith(KUBERNETES)


@dataclass(frozen=True, slots=True)
class Probe:
    """A question of a health check: `path` where an error status fails it, `keyed` where it sends a header."""

    name: str
    port: str
    path: str | None = None
    keyed: bool = False


def probes_of(container: Container) -> list[Probe]:
    """What the health check or the probes of a container ask."""
    each = [p.split() for p in container.probed]
    return [Probe(p[0], p[1], next(iter(p[2:3]), None), p[3:] == ["key"]) for p in each if len(p) > 1]


def key_in(container: Container, compose: str, run: str, pod: str) -> str:
    """The setting's name where this container has it."""
    return pod if in_pod(container) else compose if in_compose(container) else run


def set_in(container: Container, compose: str, run: str, pod: str) -> Remediation:
    """The same setting as a compose file, `docker run`, a pod and a Quadlet unit have it."""
    text = f"start the container with `{run}`"
    if in_pod(container):
        text = pod
    elif in_compose(container):
        text = f"add `{compose}` to the service"
    elif container.how == DOCKERFILE:
        text = f"add `{run.replace('--health-', '--')}` to HEALTHCHECK"
    elif container.how == QUADLET:
        text = f"add `PodmanArgs={run}` to the `[Container]` section"
    return Remediation(text, (Action("manual", text=text),))
