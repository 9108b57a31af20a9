"""The server's container does not request a GPU.

A container sees a GPU only if it requests one: with `docker run --gpus all`, with a device reservation that has the
capability `gpu` in a compose file, with `nvidia.com/gpu` in the `limits` of a Kubernetes pod, or with the NVIDIA
runtime and `NVIDIA_VISIBLE_DEVICES`. Without it the server starts, looks for CUDA and exits with `Found no NVIDIA
driver on your system`, `Failed to infer device type` or `cuda is not available`, although `nvidia-smi` works on the
host. Compose rejects a reservation that names a driver but no capability.

What to do: add the reservation. Run `nvidia-smi` in the container to see whether it took effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import container_of, in_compose, in_pod, key_in, set_in
from doctor.facts import Container, Launch
from doctor.findings import Evidence, Location, NotApplicable, Open
from doctor.launch.options import option
from doctor.rules.rule import Rule, Verdict

COMPOSE = "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}"
POD = "add `resources: {limits: {nvidia.com/gpu: 1}}` to the container"
SOURCE = "the container's settings; NVIDIA Container Toolkit"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for a container without a GPU, or with a reservation that lacks the capability."""
    facts = case.facts
    container, launch = container_of(facts), facts.launch
    if container is None or not isinstance(launch, Launch) or option(facts, "--device") in ("cpu", "ascend", "maca"):
        yield NotApplicable("the launch command starts no container that needs a GPU")
        return
    if re.search(r"(?:^|[-_:/.])cpu(?:$|[-_:/.])", container.image or ""):
        yield NotApplicable("the image is one for CPUs")
        return
    visible = launch.environ.get("NVIDIA_VISIBLE_DEVICES")
    if container.runtime == "nvidia":
        if visible in ("none", "void"):
            hidden = f"NVIDIA_VISIBLE_DEVICES={visible}"
            yield _finding(rule, f"hides every GPU (`{hidden}`)", container, hidden)
        return
    if container.gpus is None and in_pod(container) and visible is not None:
        yield Open("whether NVIDIA_VISIBLE_DEVICES alone gives the pod a GPU depends on the cluster")
    elif container.gpus is None and container.runtime is None:
        yield _finding(rule, "does not request a GPU", container)
    elif container.gpus is None:
        yield Open(f"whether the runtime `{container.runtime}` gives the container a GPU is not known")
    elif in_compose(container) and "gpu" not in container.capabilities:
        yield _finding(rule, "reserves a device without `capabilities: [gpu]`, which compose rejects", container)


def _finding(rule: Rule, what: str, container: Container, seen: str | None = None) -> Verdict:
    asked = seen or container.gpus or "none requested"
    return rule.finding(
        f"The container ({container.how}) {what}, so the server finds no CUDA device",
        location=Location("argument", key_in(container, "devices", "--gpus", "resources")),
        evidence=[Evidence("GPUs of the container", asked, "at least one", SOURCE)],
        remediations=[set_in(container, COMPOSE, "--gpus all", POD)],
    )


RULE = Rule(code="CMD021", name="container-without-gpu", severity="error", check=check, needs=("launch",))
