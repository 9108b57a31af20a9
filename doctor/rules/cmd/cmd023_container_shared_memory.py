"""The container has too small a `/dev/shm` for processes that share a model.

With tensor parallelism, the server's processes exchange data through `/dev/shm`. A container gets 64 MiB of it unless
`shm_size` or `ipc: host` says otherwise. NCCL and the engines may then fail with `Bus error`, `No space left on device`
or `unhandled system error`, often not until the first request. GPUs that reach each other directly need less: it is a
warning. SYS003 checks the machine that this runs on; this rule checks the container that the command, the compose file
or the manifest describes.

What to do: set `ipc: host` or `shm_size: 8gb` in the compose file, or pass `--ipc=host` or `--shm-size=8g` to
`docker run`. In Kubernetes, mount an `emptyDir` of `medium: Memory` at `/dev/shm`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import container_of, in_pod, key_in, set_in
from doctor.derived.units import GIB, MIB, size
from doctor.facts.launch import NODE_MEMORY
from doctor.findings import Evidence, Location, NotApplicable, Open
from doctor.launch.options import parallel
from doctor.rules.rule import Rule, Verdict

DOCKER_DEFAULT = 64 * MIB
POD = "mount `emptyDir: {medium: Memory, sizeLimit: 8Gi}` at `/dev/shm`"


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for a container whose shared memory is smaller than several processes need."""
    container, count = container_of(case.facts), parallel(case.facts)
    if container is None or count < 2:
        yield NotApplicable("no container runs several processes that share a model")
        return
    if container.ipc in ("host", NODE_MEMORY):
        return
    if container.ipc and container.shm_size is None:
        yield Open(f"how much shared memory `ipc: {container.ipc}` gives is not known")
        return
    space = DOCKER_DEFAULT if container.shm_size is None else container.shm_size
    if space < GIB:
        default = "a container runtime gives 64 MiB" if in_pod(container) else "Docker gives 64 MiB"
        yield rule.finding(
            f"The container gets {size(space)} of shared memory, but {count} processes share the model and need about "
            "1 GiB",
            location=Location("argument", key_in(container, "shm_size", "--shm-size", "/dev/shm")),
            evidence=[Evidence("/dev/shm of the container", size(space), "1 GiB or more", default)],
            remediations=[set_in(container, "ipc: host", "--ipc=host", POD)],
        )  # fmt: skip


RULE = Rule(code="CMD023", name="container-shared-memory", severity="warning", check=check, needs=("launch",))
