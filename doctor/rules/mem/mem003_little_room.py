"""The model barely fits: the KV cache is so small that requests queue up, or startup depends on luck.

The size of the weights is certain, but what a server needs in addition is not (1 to 3 GiB for its context, one step's
computations, images and CUDA graphs); the rest is the KV cache. If that barely holds one or two requests with the whole
context, throughput is that of one user, large images can end in `CUDA out of memory`, and a small change in the engine
decides whether it starts.

What to do: for one user at a time, leave it. Otherwise, shorten the context, store the cache in fewer bits, or use a
smaller checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.memory.findings import each, evidence, remediation, remediations, requests, tokens
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.derived.units import size, sizes
from doctor.facts import Facts
from doctor.findings import Finding, Location, NotApplicable
from doctor.matrix.engines import engine_row
from doctor.memory.fit import Fit
from doctor.memory.ways import smaller_cache
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Fires where less than two whole requests find room, or where that depends on the overhead."""
    here = memory_verdict(case)
    if not isinstance(here, MemoryVerdict):
        yield here
    elif here.fit is None:
        yield NotApplicable("the GPUs are not known: MEM001 says what it takes")
    elif here.fit.verdict == "tight" and (here.fit.rule.reserved or not here.fit.rule.doubtful):
        yield _finding(rule, case.facts, here, here.fit)


def _finding(rule: Rule, facts: Facts, here: MemoryVerdict, result: Fit) -> Finding:
    end = ", and it may not start at all" if result.concurrent[0] < 1 and result.rule.refuses else ""
    room = f"The KV cache holds {tokens(result)}{each(result)}"
    if (result.rule.doubtful or not result.easy) and result.concurrent[0] >= 1:
        return _breathless(rule, here, result)
    return rule.finding(
        f"{room}, {requests(result)}: little for more than one user{end}.", key="room", confidence="medium",
        severity="warning" if result.concurrent[0] < 1 else "note",
        location=Location("host", "GPU memory"), evidence=evidence(here, result),
        remediations=remediations(here, facts),
    )  # fmt: skip


def _breathless(rule: Rule, here: MemoryVerdict, result: Fit) -> Finding:
    """The cache is taken for good before anything was computed: large pictures then find nothing left."""
    flag = engine_row(result.settings.engine).brief("memory_share") or "GPU memory"
    needed = sizes(result.overhead.least, result.overhead.most)
    return rule.finding(
        f"The KV cache takes all but {size(result.spare)}{each(result)}, and the rest of the server needs {needed}: "
        "large images or many requests can end in `CUDA out of memory`.",
        key="room", confidence="medium", location=Location("argument", flag),
        evidence=evidence(here, result),
        remediations=[remediation(way, here.settings)] if (way := smaller_cache(result, here.judge)) else [],
    )  # fmt: skip


RULE = Rule(code="MEM003", name="little-room", severity="warning", check=check, blocked_by=("MEM001", "MEM002"))
