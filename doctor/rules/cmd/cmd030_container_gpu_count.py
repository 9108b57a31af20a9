"""The server's container gets fewer GPUs than the command uses.

A container sees only the GPUs that it requests, however many the machine has: `nvidia.com/gpu: 1` in a Kubernetes pod,
`count: 1` or `device_ids` in a compose file, `docker run --gpus 1`. A server uses tensor parallelism times pipeline
parallelism times data parallelism GPUs. It exits early with `World size (4) is larger than the number of available
GPUs (1)` or `invalid device ordinal`. Where several pods serve one copy of the model (a LeaderWorkerSet, a Ray
cluster), the GPUs of all of them count.

What to do: request as many GPUs as the command uses, or lower `--tensor-parallel-size`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.container import container_of, key_in, set_in
from doctor.facts import Container
from doctor.findings import Evidence, Location, NotApplicable, Open
from doctor.launch.memory_settings import settings
from doctor.launch.options import option
from doctor.rules.rule import Rule, Verdict

SEVERAL_MACHINES = ("--nnodes", "--node-rank", "--dist-init-addr", "--data-parallel-address", "--master-addr")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding where the count is known on both sides and does not suffice."""
    facts, container = case.facts, container_of(case.facts)
    asked = settings(facts)
    if container is None or asked.gpus < 2 or container.gpus is None:
        yield NotApplicable("no container with GPUs of its own runs a server that uses several")
        return
    each = counted(container.gpus)
    if each is None:
        return
    there = each * max(container.nodes, 1)
    if there >= asked.gpus:
        return
    if option(facts, *SEVERAL_MACHINES) is not None or option(facts, "--distributed-executor-backend") == "ray":
        yield Open("the server runs on several machines, and nothing is known of the GPUs of the others")
        return
    pairs = (("tp", asked.tp), ("pp", asked.pp), ("dp", asked.copies))
    parts = " x ".join(f"{name} {count}" for name, count in pairs if count > 1)
    yield rule.finding(
        f"The command uses {asked.gpus} GPUs ({parts}), but {_gets(container, each)}",
        location=Location("argument", key_in(container, "devices", "--gpus", "nvidia.com/gpu")),
        evidence=[Evidence("GPUs of the container", str(there), str(asked.gpus), container.how)],
        remediations=[set_in(container, f"count: {asked.gpus}", f"--gpus {asked.gpus}", _limit(asked.gpus, container))],
    )


def counted(gpus: str) -> int | None:
    """How many GPUs `2`, `device=0,1` or `count=2` are; None for all of them, and for what is not understood."""
    text = gpus.strip("\"'")
    if text.isdigit() and len(text) < 5:
        return int(text)
    if found := re.fullmatch(r"count=(\d{1,4})", text):
        return int(found[1])
    named = re.fullmatch(r"\"?device=([\w:.,-]+)\"?", text)
    return None if named is None or named[1] == "all" else len(named[1].split(","))


def _gets(container: Container, each: int) -> str:
    own = f"{each} GPU" if each == 1 else f"{each} GPUs"
    return f"its container gets {own}" if container.nodes < 2 else f"each of {container.nodes} pods gets {own}"


def _limit(count: int, container: Container) -> str:
    return f"set `nvidia.com/gpu: {-(-count // max(container.nodes, 1))}` in `resources: limits`"


RULE = Rule(code="CMD030", name="container-gpu-count", severity="error", check=check, needs=("launch",))
