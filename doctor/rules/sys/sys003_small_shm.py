"""`/dev/shm` is too small for processes that share a model.

With tensor parallelism, the server's processes exchange data through shared memory in `/dev/shm`. Docker gives a
container 64 MiB of it; NCCL and the engines then fail with `Bus error`, `No space left on device` or
`unhandled system error`.

What to do: start the container with `--ipc=host` or `--shm-size=8g` (compose: `shm_size: 8gb`; Kubernetes: an
`emptyDir` of `medium: Memory` mounted there).
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual
from doctor.derived.units import GIB, MIB, size
from doctor.findings import NotApplicable, Open
from doctor.launch.options import parallel
from doctor.rules.rule import Rule, Verdict

DOCKER_DEFAULT = 64 * MIB


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Only where several processes share the model."""
    host, count = host_of(case.facts), parallel(case.facts)
    if count < 2:
        yield NotApplicable("the launch command asks for no tensor parallelism")
        return
    space = host.shm_total if host.shm_free is None else host.shm_free
    if host.shm_total is None or space is None:
        yield Open("the size of `/dev/shm` could not be read")
    elif space < GIB:
        in_container = "start the container with `--ipc=host` or `--shm-size=8g`"
        enlarge = "enlarge it: `sudo mount -o remount,size=8G /dev/shm`, or remove old files from it"
        yield rule.about(
            f"`/dev/shm` has {size(space)} free of {size(host.shm_total)}, but {count} processes share the model and "
            "need about 1 GiB.",
            manual(in_container if host.container else enlarge),
            observed=size(space),
            expected=size(GIB),
            where="/dev/shm",
            severity="error" if host.shm_total <= DOCKER_DEFAULT else "warning",
        )


RULE = Rule(code="SYS003", name="small-shm", severity="warning", check=check, needs=("host",))
