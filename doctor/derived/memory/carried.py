"""What an earlier run logged, carried over to a launch that differs: the facts that a fix leads to are judged by it."""

from __future__ import annotations

from dataclasses import replace

from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts import Facts, Observed
from doctor.facts.unavailable import NOT_REQUESTED
from doctor.memory.fit import Fit


def carried(before: Facts, after: Facts) -> Facts:
    """`after` with what the launch of `before` would have logged if it had been that of `after`."""
    if not isinstance(before.observed, Observed):
        return after
    here, then = memory_verdict(Case(before)), memory_verdict(Case(replace(after, observed=NOT_REQUESTED)))
    if not isinstance(here, MemoryVerdict) or here.learned is None or not isinstance(then, MemoryVerdict):
        return after
    if then.fit is None or then.footprint != here.footprint:
        return replace(after, observed=NOT_REQUESTED)  # another model than the one that ran
    return replace(after, observed=_logged(here.learned, here.judge(here.footprint, then.settings)))


def _logged(seen: Observed, result: Fit) -> Observed:
    """The figures of the middle of a prediction."""
    room, count = (result.rule.least + result.rule.most) // 2, sum(result.tokens) // 2
    cache = sum(result.cache) // 2 if result.cache[1] > 0 else room
    return replace(
        seen, weights=result.weights, cache=cache, tokens=count if result.cache[0] > 0 and count else None,
        length=result.context or None, concurrency=sum(result.concurrent) / 2 if result.cache[0] > 0 else None,
    )  # fmt: skip
