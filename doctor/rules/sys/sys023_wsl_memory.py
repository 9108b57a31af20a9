"""WSL may use less memory than the checkpoints that the GPU could hold.

WSL's virtual machine gets half of the memory of Windows and a quarter as much swap, unless `.wslconfig` says otherwise.
A checkpoint is read through that memory; if it does not fit, Linux kills the server (status 137) without a traceback.

What to do: raise `memory` and `swap` in `.wslconfig` in the Windows user's folder, then run `wsl --shutdown`.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.host import host_of, manual, no_wsl, wsl_of
from doctor.derived.units import GIB, size
from doctor.facts import Model, Weights
from doctor.facts.gpu import Gpu
from doctor.findings import NotApplicable, Open
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Memory and swap together against the memory of the GPUs that the server may fill."""
    facts = case.facts
    wsl, host = wsl_of(facts), host_of(facts)
    if wsl is None:
        yield from no_wsl()
        return
    room = sum(d.memory_total for d in facts.gpu.usable) if isinstance(facts.gpu, Gpu) else 0
    weights = facts.model.weights if isinstance(facts.model, Model) else None
    known = weights.total if isinstance(weights, Weights) else None
    room = min(room, known) if known else room
    if host.memory_total is None:
        yield Open("the memory of this WSL could not be read")
    elif not room:
        yield NotApplicable("there is no GPU to fill")
    elif host.memory_total + (host.swap_total or 0) < room:
        have = host.memory_total + (host.swap_total or 0)
        config = next((c for c in wsl.configs if c.memory or c.swap is not None), None)
        said = f" (set in `{config.path}`)" if config else " (the default: half of Windows' memory)"
        swap = max(8, -(-(room - host.memory_total) // GIB) + 4)
        yield rule.about(
            f"WSL has {size(host.memory_total)} of memory and {size(host.swap_total or 0)} of swap{said}, less than "
            f"the {size(room)} {'of this checkpoint' if known else 'of GPU memory that a checkpoint may fill'}.",
            manual(
                f"write `[wsl2]` with `memory=` up to what Windows can spare and `swap={swap}GB` into "
                "`C:\\Users\\<you>\\.wslconfig`, then run `wsl --shutdown` in PowerShell"
            ),
            observed=size(have),
            expected=size(room),
            source="/proc/meminfo",
            where=config.path if config else ".wslconfig",
        )


RULE = Rule(code="SYS023", name="wsl-low-memory", severity="warning", check=check, needs=("host",))
