"""The launch requests GPU memory that is not free.

vLLM 0.9.1 and later compares its share of the whole card with what is free when it starts, after its own process has
taken 0.3 to 0.8 GiB, and stops with `Free memory on device ... is less than desired GPU memory utilization`: a share of
1 never works. A cache whose size the command sets (`--kv-cache-memory-bytes`, `--num-gpu-blocks-override`,
`--num-gpu-blocks`) is allocated in full, and ends in `CUDA out of memory` if the weights leave less.
SGLang and LMDeploy take their share without having tried what computing needs: with a share near 1 nothing is left.
SGLang also stops with `The memory capacity is unbalanced` if one GPU has less than 90% free of what another has.

What to do: request a smaller share, or leave the size of the cache to the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.derived.case import Case
from doctor.derived.memory.certainty import certainty
from doctor.derived.memory.findings import each, evidence, remediation
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.derived.units import size, sizes
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Remediation
from doctor.matrix.engines import engine_row
from doctor.memory.engines import Denied
from doctor.memory.fit import Fit
from doctor.memory.ways import smaller_cache
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """What the command asks for against what is there, beside weights that fit."""
    here = memory_verdict(case)
    if not isinstance(here, MemoryVerdict):
        yield here
    elif here.fit is None:
        yield NotApplicable("the GPUs are not known: MEM001 says what it takes")
    elif here.fit.verdict == "refused" and here.fit.rule.denied is not None and here.fit.cache[1] > 0:
        yield _denied(rule, here, here.fit, here.fit.rule.denied)
    elif here.fit.rule.doubtful and not here.fit.rule.reserved:
        yield _doubtful(rule, here, here.fit)


def _denied(rule: Rule, here: MemoryVerdict, result: Fit, found: Denied) -> Finding:
    said, wanted, there, place = _sentence(result), size(found.wanted), size(found.there), each(result)
    message = {
        "share": f"{said} requests {wanted}{place}, but at most {there} can be free when the engine starts.",
        "cache": f"{said}: {wanted}{place}, but the weights leave at most {there}.",
        "even": f"One GPU has {there} free and another more than {wanted}: this engine needs at least 90% on each.",
        "rest": f"{said} leaves {there}{place} for computing, which takes at least {wanted}.",
    }[found.kind]
    if found.kind == "rest" and found.there < 0:
        message = f"{said} is {size(-found.there)} more{place} than there is."
    return rule.finding(
        message, key=found.kind, confidence="medium", location=Location("argument", _flag(result)),
        evidence=[*evidence(here, result), certainty(here, "medium"),
                  Evidence("free GPU memory", there, wanted, result.rule.source)],
        remediations=list(_ways(here, result)),
    )  # fmt: skip


def _doubtful(rule: Rule, here: MemoryVerdict, result: Fit) -> Finding:
    taken = result.cache[0] if result.rule.given else result.pool
    end = "the weights may leave less" if result.rule.given else "less may be free when the engine starts"
    verb = f": {size(taken)}" if result.rule.given else f" requests {size(taken)}"
    return rule.finding(
        f"{_sentence(result)}{verb}{each(result)}, but {end}.", key="doubtful", severity="warning", confidence="medium",
        location=Location("argument", _flag(result)), evidence=evidence(here, result),
        remediations=list(_ways(here, result)),
    )  # fmt: skip


def _sentence(result: Fit) -> str:
    return result.rule.rule[0].upper() + result.rule.rule[1:]


def _flag(result: Fit) -> str:
    row = engine_row(result.settings.engine)
    meaning = "memory_share" if not result.rule.given else "cache_blocks" if result.settings.blocks else "cache_bytes"
    return row.brief(meaning) or meaning


def _ways(here: MemoryVerdict, result: Fit) -> Iterator[Remediation]:
    """A smaller share, or no size at all, where that starts; for GPUs that differ, the engine's own switch."""
    if result.rule.denied is not None and result.rule.denied.kind == "even":
        yield _without_check(result)
        return
    if not result.rule.given:
        yield from [remediation(way, here.settings)] if (way := smaller_cache(result, here.judge)) else []
        return
    free = here.judge(here.footprint, replace(result.settings, cache=None, blocks=None))
    if free.starts:
        flag = _flag(result)
        yield Remediation(
            f"remove `{flag}`: the engine then takes {sizes(*free.cache)}",
            (Action("set_argument", name=flag),), "unsafe",
        )  # fmt: skip


def _without_check(result: Fit) -> Remediation:
    row = engine_row(result.settings.engine)
    name, value = row.variables.get("even_cards", ""), "0"
    if row.has("turns_check_off", result.settings.release, unknown=False):
        name, value = row.variables.get("uneven_cards", ""), "1"
    title = "turn off the check: the smallest GPU then decides, and the others stay partly empty"
    return Remediation(title, (Action("set_env", name=name, value=value),), "unsafe")


RULE = Rule(code="MEM006", name="memory-not-there", severity="error", check=check, blocked_by=("MEM001", "GPU005"))
