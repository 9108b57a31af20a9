"""The model's weights are larger than the GPU memory that the engine may use.

The memory of the GPUs that share the model must hold all weights, including the vision tower, plus the CUDA context and
what one step computes (about 1 to 3 GiB). If it cannot, the server fails with `CUDA out of memory` while loading or
right after. A small number in a model's name can mislead: the first Qwen-VL in 4 bits takes 9.06 GiB, because its
vision tower, which is not quantized, takes 3.6 GiB alone.

What to do: use a quantized or smaller checkpoint, or split the model across more GPUs (`--tp`,
`--tensor-parallel-size`). If the card has room and only the engine's share is too small, increase the share.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.memory.certainty import certainty, of_weights
from doctor.derived.memory.findings import each, evidence, of_card, remediations, wanted
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.derived.units import size
from doctor.facts import Facts
from doctor.findings import Finding, Location, Open
from doctor.memory.fit import Fit
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """Weights and the least overhead against the card, then against the engine's share of it."""
    here = memory_verdict(case)
    if not isinstance(here, MemoryVerdict):
        yield here
    elif here.fit is None:
        yield Open(_unknown(here))
    elif here.fit.verdict == "never" or _over(here.fit):
        yield _finding(rule, case.facts, here, here.fit)
    elif here.footprint.unseen and here.settings.vision:
        yield Open("the language model fits, but the size of its vision tower is unknown")


def _unknown(here: MemoryVerdict) -> str:
    named = here.listed.id if here.listed else here.footprint.name.rpartition("/")[2]
    total = here.footprint.total
    eyes = f" (vision tower: {size(int(here.footprint.vision))})" if here.footprint.vision else ""
    return (
        f"the GPUs are not known: the weights of `{named}` take {size(total)}{eyes}, so it needs {wanted(here)}"
        " with these settings; name your GPU with `--gpu`"
    )


def _over(result: Fit) -> bool:
    return result.verdict == "refused" and result.cache[1] <= 0


def _finding(rule: Rule, facts: Facts, here: MemoryVerdict, result: Fit) -> Finding:
    named = here.listed.id if here.listed else here.footprint.name.rstrip("/").rpartition("/")[2]
    eyes = f" (vision tower: {size(result.vision)})" if result.vision else ""
    least = result.weights + result.overhead.least
    what = f"The weights of `{named}` take {size(result.weights)}{eyes}{each(result)}"
    if result.verdict == "never":
        against = f"more than {of_card(here, result)}" if result.weights > result.card else (
            f"at least {size(least)} with overhead, more than {of_card(here, result)}"
        )  # fmt: skip
    else:
        share = f"the engine's share of {size(max(result.pool, 0))}"
        rule_of, _, _ = result.rule.rule.partition(" of the ")
        against = f"at least {size(least)} with overhead, more than {share} ({rule_of})"
    confidence = of_weights(here, result, result.card if result.verdict == "never" else max(result.pool, 0))
    return rule.finding(
        f"{what}: {against}; it needs {wanted(here)}.",
        key="weights", severity="warning" if confidence == "low" else None,
        confidence=confidence, location=Location("host", "GPU memory"),
        evidence=[*evidence(here, result), certainty(here, confidence)], remediations=remediations(here, facts),
    )  # fmt: skip


RULE = Rule(code="MEM001", name="weights-do-not-fit", severity="error", check=check, decisive=True)
