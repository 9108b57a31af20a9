"""The server gets fewer GPUs than its command uses.

A container sees only the GPUs that it requests, however many the machine has: `nvidia.com/gpu: 1` in a Kubernetes pod,
`count: 1` or `device_ids` in a compose file, `docker run --gpus 1`; a Slurm job those of `--gres` or `--gpus-per-node`.
A server uses tensor parallelism times pipeline parallelism times data parallelism GPUs. It exits early with `World size
(4) is larger than the number of available GPUs (1)` or `invalid device ordinal`. Where several machines serve one copy
of the model (a LeaderWorkerSet, a Ray cluster, `#SBATCH --nodes`), the GPUs of all of them count.

What to do: request as many GPUs as the command uses, or lower `--tensor-parallel-size`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.base.text import plural
from doctor.derived.case import Case
from doctor.derived.container import container_of, key_in, set_in
from doctor.facts import Facts, Launch
from doctor.findings import Action, Evidence, Location, NotApplicable, Open, Remediation
from doctor.launch.cluster import UNKNOWN
from doctor.launch.memory_settings import settings
from doctor.launch.options import option
from doctor.rules.rule import Rule, Verdict

SEVERAL_MACHINES = ("--nnodes", "--node-rank", "--dist-init-addr", "--data-parallel-address", "--master-addr")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding where the count is known on both sides and does not suffice."""
    facts = case.facts
    asked, given = settings(facts), _given(facts)
    there = given.gpus * given.nodes if given is not None else 0
    if given is None or (asked.gpus < 2 and not there):
        yield NotApplicable("no count of GPUs is requested for a server that uses several")
        return
    if there >= asked.gpus:
        return
    container = container_of(facts)
    cluster = option(facts, *SEVERAL_MACHINES) is not None or (container is not None and container.nodes == UNKNOWN)
    if cluster or option(facts, "--distributed-executor-backend") == "ray":
        yield Open("the server runs on several machines, and nothing is known of the GPUs of the others")
        return
    pairs = (("tp", asked.tp), ("pp", asked.pp), ("dp", asked.copies))
    parts = " x ".join(f"{name} {count}" for name, count in pairs if count > 1)
    own = plural(given.gpus, "GPU")
    gets = f"{given.who} gets {own}" if given.nodes < 2 else f"each of {given.nodes} machines gives it {own}"
    yield rule.finding(
        f"The command uses {asked.gpus} GPUs ({parts}), but {gets}",
        location=Location("argument", given.key),
        evidence=[Evidence("GPUs requested", str(there), str(asked.gpus), given.how)],
        remediations=[_way(facts, given, asked.gpus)],
    )


@dataclass(frozen=True)
class Given:
    """How many GPUs the server gets on each machine, and where that stands."""

    who: str
    how: str
    key: str
    gpus: int
    nodes: int


def _given(facts: Facts) -> Given | None:
    """The count that its container requests, or that a scheduler gives; None where neither is known."""
    launch, container = facts.launch, container_of(facts)
    if container is not None and container.gpus and (each := counted(container.gpus)) is not None:
        key = key_in(container, "devices", "--gpus", "nvidia.com/gpu")
        return Given("its container", container.how, key, each, max(container.nodes, 1))
    if isinstance(launch, Launch) and launch.engine and launch.granted and launch.granted.gpus:
        return Given("the job", launch.granted.how, "gpus", launch.granted.gpus, max(launch.granted.nodes, 1))
    return None


def _way(facts: Facts, given: Given, count: int) -> Remediation:
    container = container_of(facts)
    each = -(-count // given.nodes)
    if container is not None and container.gpus:
        pod = f"set `nvidia.com/gpu: {each}` in `resources: limits`"
        return set_in(container, f"count: {count}", f"--gpus {count}", pod)
    text = f"request {plural(each, 'GPU')} on each machine"
    return Remediation(text, (Action("manual", text=text),))


def counted(gpus: str) -> int | None:
    """How many GPUs `2`, `device=0,1` or `count=2` are; None for all of them, and for what is not understood."""
    text = gpus.strip("\"'")
    if text.isdigit() and len(text) < 5:
        return int(text)
    if found := re.fullmatch(r"count=(\d{1,4})", text):
        return int(found[1])
    named = re.fullmatch(r"\"?device=([\w:.,-]+)\"?", text)
    return None if named is None or named[1] == "all" else len(named[1].split(","))


RULE = Rule(code="CMD030", name="too-few-gpus-requested", severity="error", check=check, needs=("launch",))
