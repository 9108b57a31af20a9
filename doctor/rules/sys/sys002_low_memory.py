"""There is little memory for a server to start in, in RAM or under the container's limit.

An engine process imports torch, initializes CUDA and reads the checkpoint through main memory on its way to the GPU.
That takes 4 GiB or more for each process (one per GPU with tensor parallelism). The kernel kills a process that exceeds
the limit: the server ends with status 137 and no traceback. A container has its own limit (`--memory`,
`resources.limits.memory`).

What to do: free or add memory, or raise the container's limit.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual
from doctor.derived.units import GIB, size
from doctor.findings import Open
from doctor.launch.options import parallel
from doctor.rules.rule import Rule, Verdict

EACH_PROCESS = 4 * GIB
AVAILABLE = 2 * GIB


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """The limit and the swap against what the processes need, then what is free right now."""
    facts = case.facts
    host = host_of(facts)
    memory = host.usable_memory
    if memory is None:
        yield Open("the main memory of that machine is not known" if host.root else
                   "the size of the main memory could not be read")  # fmt: skip
        return
    limited = host.cgroup is not None and host.cgroup.memory_limit == memory
    swap = (host.cgroup.swap_limit if limited and host.cgroup else None) or (0 if limited else host.swap_total or 0)
    needed = EACH_PROCESS * parallel(facts)
    if memory + swap < needed:
        what = "The container's limit" if limited else "This machine's memory"
        mend = "raise the limit (`docker run --memory`, `resources.limits.memory`)" if limited else "add memory or swap"
        yield rule.about(
            f"{what} is {size(memory)} (swap {size(swap)}), but the engine needs about "
            f"{size(needed)} before the model is loaded.",
            manual(mend),
            observed=size(memory + swap),
            expected=size(needed),
            key="limit",
            where="memory",
        )
    elif host.memory_available is not None and host.memory_available < AVAILABLE:
        yield rule.about(
            f"Only {size(host.memory_available)} of {size(host.memory_total or memory)} memory are available now, and "
            f"an engine needs about {size(EACH_PROCESS)} to start.",
            manual("stop what takes the memory; `ps aux --sort -rss | head` shows it"),
            observed=size(host.memory_available),
            expected=size(EACH_PROCESS),
            source="/proc/meminfo",
            key="available",
            where="memory",
        )


RULE = Rule(code="SYS002", name="low-memory", severity="warning", check=check, needs=("host",))
