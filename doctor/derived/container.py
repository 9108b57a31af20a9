"""The container of the launch, and how a setting of it is written."""

from __future__ import annotations

from doctor.facts import Container, Facts, Launch
from doctor.facts.launch import KUBERNETES, QUADLET
from doctor.findings import Action, Remediation


def container_of(facts: Facts) -> Container | None:
    """The container that an engine is launched in, or None."""
    launch = facts.launch
    return launch.container if isinstance(launch, Launch) and launch.engine is not None else None


def in_compose(container: Container) -> bool:
    """Whether it is a service of a compose file."""
    return "compose" in container.how


def in_pod(container: Container) -> bool:
    """Whether it is a container of a Kubernetes pod."""
    return container.how == KUBERNETES


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
    elif container.how == QUADLET:
        text = f"add `PodmanArgs={run}` to the `[Container]` section"
    return Remediation(text, (Action("manual", text=text),))
