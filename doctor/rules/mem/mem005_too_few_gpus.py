"""The launch command requests more GPUs than there are.

A server uses tensor parallelism times pipeline parallelism times data parallelism GPUs, each with its own process.
Engines exit early with messages of many kinds, such as `invalid device ordinal` or `World size (4) is larger than the
number of available GPUs (2)`, or they wait for a second machine. `CUDA_VISIBLE_DEVICES` counts: a GPU that it hides is
not available.

What to do: request as many GPUs as there are, or make the others visible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.base.text import plural
from doctor.derived.case import Case
from doctor.derived.container import container_of
from doctor.derived.memory.findings import remediations, splitting
from doctor.derived.memory.parallel import on_gpus
from doctor.derived.memory.verdict import MemoryVerdict, cards, memory_verdict, of_unusable
from doctor.facts import Facts, Gpu, Launch
from doctor.findings import Action, Applicability, Evidence, Location, NotApplicable, Open, Remediation
from doctor.launch.cluster import UNKNOWN
from doctor.launch.memory_settings import settings
from doctor.launch.memory_values import PARALLEL
from doctor.launch.options import engine as launched
from doctor.launch.options import option
from doctor.matrix.engines import engine_row, option_names
from doctor.memory.fit import Fit, divides
from doctor.rules.rule import Rule, Verdict

SEVERAL_MACHINES = ("--nnodes", "--node-rank", "--dist-init-addr", "--data-parallel-address", "--master-addr")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Only for one machine: a launch over several counts the GPUs of all."""
    facts = case.facts
    asked = settings(facts)
    if said := of_unusable(asked, *PARALLEL):
        yield Open(f"how many GPUs the command takes is not known: {said}")
        return
    if not isinstance(facts.launch, Launch) or asked.gpus < 2:
        yield NotApplicable("the launch command takes one GPU")
        return
    there = cards(facts)
    if there is None:
        yield Open(f"the command takes {asked.gpus} GPUs, and those of this machine are unknown")
        return
    if len(there) >= asked.gpus:
        return
    container = container_of(facts)
    if option(facts, *SEVERAL_MACHINES) is not None or (container is not None and container.nodes == UNKNOWN):
        yield Open("the launch runs on several machines, and nothing is known of the GPUs of the others")
        return
    ray = _by_ray(facts)
    hidden = isinstance(facts.gpu, Gpu) and len(facts.gpu.usable) < len(facts.gpu.devices)
    pairs = (("tp", asked.tp), ("pp", asked.pp), ("dp", asked.copies))
    parts = [f"{name} {count}" for name, count in pairs if count > 1]
    yield rule.finding(
        f"The command takes {asked.gpus} GPUs ({' x '.join(parts)}), but "
        f"{len(there)} {'is' if len(there) == 1 else 'are'} {'visible' if hidden else 'available'}.",
        key="gpus", severity="warning" if ray else "error", location=Location("argument", "tensor parallelism"),
        confidence="medium" if ray else "high",
        evidence=[Evidence("GPUs", str(len(there)), str(asked.gpus), "NVML, CUDA_VISIBLE_DEVICES")],
        remediations=list(_ways(case, len(there), hidden)),
    )  # fmt: skip


def _by_ray(facts: Facts) -> bool:
    """Whether Ray deals out the GPUs, which may be other machines': it is named, or the release takes it by itself."""
    named, engine = option(facts, "--distributed-executor-backend"), launched(facts)
    turns = engine is not None and engine_row(engine).has("ray_for_more_gpus", facts.version(engine), unknown=False)
    return named == "ray" or (named is None and turns and facts.version("ray") is not None)


def _ways(case: Case, there: int, hidden: bool) -> Iterator[Remediation]:
    facts = case.facts
    if hidden:
        action = Action("manual", text="unset CUDA_VISIBLE_DEVICES, or name more devices in it")
        yield Remediation("make the other GPUs visible", (action,))
    asked, here = settings(facts), memory_verdict(case)
    flag = engine_row(asked.engine).brief("tensor_parallel")
    numbers = [n for n in range(1, there // (asked.pp * asked.copies) + 1) if _divides(here, facts, n)]
    best = max(numbers, default=0)
    result = on_gpus(here, best) if isinstance(here, MemoryVerdict) and best else None
    if flag and best and (result is None or result.starts):
        value = str(best)
        action = Action("set_argument", name=_spelled(facts, flag), value=value)
        sure: Applicability = "safe" if result is not None and result.sure else "unsafe"
        yield Remediation(f"use {plural(best, 'GPU')} (`{action.name} {value}`)", (action,), sure)
    elif result is not None and isinstance(here, MemoryVerdict):
        yield from remediations(_of(here, result), facts, first=((flag or "", str(best)),))


def _divides(here: object, facts: Facts, many: int) -> bool:
    if not isinstance(here, MemoryVerdict):
        return many in (1, 2, 4, 8, 16)
    return divides(here.footprint, many) and splitting(here, facts)(None, many)


def _of(here: MemoryVerdict, result: Fit) -> MemoryVerdict:
    """The verdict of the launch on the GPUs that are here."""
    return replace(here, settings=result.settings, fit=result)


def _spelled(facts: Facts, flag: str) -> str:
    """As the command has it: each engine knows several names."""
    return next((n for n in option_names("tensor_parallel") if option(facts, n) is not None), flag)


RULE = Rule(code="MEM005", name="too-few-gpus", severity="error", check=check)
