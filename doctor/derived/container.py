"""The container of the launch, and how a setting of it is written."""

from __future__ import annotations

from doctor.facts import Container, Facts, Launch
from doctor.findings import Action, Remediation


def container_of(facts: Facts) -> Container | None:
    """The container that an engine is launched in, or None."""
    launch = facts.launch
    return launch.container if isinstance(launch, Launch) and launch.engine is not None else None


def in_compose(container: Container) -> bool:
    """Whether it is a service of a compose file, else `docker run`."""
    return "compose" in container.how


def set_in(container: Container, compose: str, run: str) -> Remediation:
    """The same setting as a compose file and as `docker run` has it."""
    text = f"add `{compose}` to the service" if in_compose(container) else f"start the container with `{run}`"
    return Remediation(text, (Action("manual", text=text),))
