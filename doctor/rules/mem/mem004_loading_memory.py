"""There is not enough main memory to load this checkpoint.

Weights pass through main memory on their way to the GPU. Files in the safetensors format are memory-mapped and need
little more than the largest file; PyTorch files (`.bin`, `.pt`) are read whole, by each process. `--cpu-offload-gb`
keeps weights there permanently, and `--swap-space` pins memory for the cache. If memory runs out, the kernel kills the
server: status 137, no traceback. In a container its limit applies; under WSL, that of the virtual machine.

What to do: add memory or swap, raise the container's limit, use a checkpoint in safetensors, or offload less.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.memory.verdict import of_unusable
from doctor.derived.units import GIB, size
from doctor.facts import Host, Launch, Model, Weights, present
from doctor.findings import Action, Evidence, Location, NotApplicable, Open, Remediation
from doctor.launch.memory_settings import settings
from doctor.launch.memory_values import KEPT, PARALLEL
from doctor.rules.rule import Rule, Verdict

PROCESS = 4 * GIB
MAPPED = ("safetensors", "gguf")


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """What the processes hold while they load, against memory and swap."""
    facts = case.facts
    host = present(facts, "host", Host)
    weights = facts.model.weights if isinstance(facts.model, Model) else None
    if not isinstance(weights, Weights) or not weights.files:
        yield NotApplicable("nothing is known of the files of the weights")
        return
    have = host.usable_memory
    if have is None:
        yield Open("the main memory of that machine is not known" if host.root else
                   "the size of the main memory could not be read")  # fmt: skip
        return
    box = facts.launch.container.memory if isinstance(facts.launch, Launch) and facts.launch.container else None
    have = min(have, box) if box else have
    asked, largest = settings(facts), max(f.size for f in weights.files)
    if said := of_unusable(asked, *PARALLEL, *KEPT):
        yield Open(f"what loading takes is not computed, because {said}")
        return
    many = asked.tp * asked.pp
    reading = largest if weights.format in MAPPED else many * largest
    needed = PROCESS * many + reading + many * (asked.offload + asked.swap)
    swap = 0 if box else host.swap_total or 0
    if have + swap >= needed:
        return
    kind = "mapped" if weights.format in MAPPED else "read whole by each process"
    yield rule.finding(
        f"Loading needs about {size(needed)} of main memory, but only {size(have)} and {size(swap)} of swap are "
        "available.",
        key="loading", location=Location("host", "memory"), confidence="medium",
        evidence=[
            Evidence("largest file of the weights", f"{size(largest)}, {kind}", None, "the model's folder"),
            Evidence("main memory and swap", size(have + swap), size(needed), "/proc/meminfo, the control group"),
        ],
        remediations=list(_ways(weights, bool(asked.offload or asked.swap))),
    )  # fmt: skip


def _ways(weights: Weights, offloads: bool) -> Iterator[Remediation]:
    if offloads:
        actions = tuple(Action("set_argument", name=name) for name in ("--cpu-offload-gb", "--swap-space"))
        yield Remediation("keep nothing of the model in main memory", actions, "unsafe")
    if weights.format not in MAPPED:
        text = "take a checkpoint in the safetensors format, or convert it: it is mapped instead of read"
        yield Remediation("use safetensors", (Action("manual", text=text),))
    text = "add memory or swap: `docker run --memory` for a container, `memory=` in .wslconfig under WSL"
    yield Remediation("give it more main memory", (Action("manual", text=text),))


RULE = Rule(
    code="MEM004", name="loading-memory", severity="warning", check=check, needs=("host",), blocked_by=("SYS002",)
)  # fmt: skip
