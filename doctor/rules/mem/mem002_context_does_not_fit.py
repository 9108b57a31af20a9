"""The KV cache has no room for one request with the whole context.

The part of the engine's share that the weights leave free becomes the KV cache: some KiB for each token of each running
request. vLLM refuses to start if one request of `--max-model-len` tokens (by default the longest that the model
supports, 262,144 for Qwen3-VL) does not fit: `To serve at least one request with the models's max seq len ... KV cache
is needed`. LMDeploy and SGLang start, and longer requests fail or are cut off when they arrive.

What to do: request a shorter context, store the cache in 8 bits, increase the engine's share, use more GPUs, or use a
quantized checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import plural
from doctor.derived.case import Case
from doctor.derived.memory.certainty import certainty, of_cache
from doctor.derived.memory.findings import each, evidence, remediations, wanted
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.derived.units import size
from doctor.facts import Facts
from doctor.findings import Finding, Location, Open, Severity
from doctor.matrix.engines import engine_row
from doctor.memory.fit import Fit
from doctor.rules.rule import Rule, Verdict

SHORT = 4096


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One request of the whole context against the most room that there can be."""
    here = memory_verdict(case)
    if not isinstance(here, MemoryVerdict):
        yield here
    elif here.fit is None:
        needed = wanted(here)
        yield Open(f"the GPUs are not known: weights and a request of the whole context need {needed}")
    elif here.fit.counted is None:
        yield Open("the configuration does not say how much KV cache a token takes")
    elif here.fit.verdict in ("refused", "short") and here.fit.cache[1] > 0 and here.fit.rule.denied is None:
        yield _finding(rule, case.facts, here, here.fit)


def _finding(rule: Rule, facts: Facts, here: MemoryVerdict, result: Fit) -> Finding:
    most = result.longest[1]
    if result.needed <= result.cache[1]:
        message = f"{_left(result)[0].upper()}{_left(result)[1:]}, not enough for the engine to start."
    else:
        refuses = result.verdict == "refused" and result.rule.refuses
        end = "the engine refuses to start" if refuses else "longer requests will fail"
        asked = "requested" if result.settings.context else "the model's longest"
        message = (
            f"One request of {plural(result.context, 'token')} ({asked}) takes {size(result.needed)} of KV cache, but "
            f"{_left(result)}, enough for {plural(most, 'token')}: {end}."
        )
    confidence = of_cache(here)
    mild = result.verdict == "short" and not result.settings.context and most >= SHORT
    severity: Severity = "note" if mild else "warning"
    return rule.finding(
        message, key="context", severity="error" if result.verdict == "refused" and confidence != "low" else severity,
        confidence=confidence, location=Location("argument", _flag(result)),
        evidence=[*evidence(here, result), certainty(here, confidence)],
        remediations=remediations(here, facts),
    )  # fmt: skip


def _left(result: Fit) -> str:
    """What there is for the cache, as a clause."""
    room = f"{size(result.cache[1])}{each(result)}"
    return f"{result.rule.rule}, which hold {room}" if result.rule.given else f"the weights leave at most {room}"


def _flag(result: Fit) -> str:
    return engine_row(result.settings.engine).brief("context") or "context"


RULE = Rule(code="MEM002", name="context-does-not-fit", severity="error", check=check, blocked_by=("MEM001",))
