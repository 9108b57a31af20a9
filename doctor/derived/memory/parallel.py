"""What other rules ask of memory: across how many GPUs a model is best split, and how long a request finds room."""

from __future__ import annotations

from dataclasses import replace

from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.memory.fit import Fit
from doctor.memory.ways import Means, shorter


def enough(case: Case, many: int, numbers: list[int]) -> int:
    """Of the numbers that divide a model, the one for a launch that asks for `many` GPUs.

    The nearest with which it fits on the GPUs at hand, a smaller one first; where it fits with none, or nothing is
    known of them, the nearest that those GPUs allow.
    """
    here = memory_verdict(case)
    there = len(here.cards) if isinstance(here, MemoryVerdict) and here.cards else 0
    below, above = [n for n in numbers if n < many][::-1], [n for n in numbers if n > many]
    if not isinstance(here, MemoryVerdict) or not there:
        return (below or [1])[0]
    each = here.settings.pp * here.settings.copies
    reachable = [n for n in (*below, *above) if n * each <= there] or [1]
    tried = {n: on_gpus(here, n) for n in reachable}
    sure = [n for n, result in tried.items() if result is not None and result.sure]
    starts = [n for n, result in tried.items() if result is not None and result.starts]
    return (sure or starts or [max(reachable)])[0]


def on_gpus(here: MemoryVerdict, many: int) -> Fit | None:
    """What becomes of the launch with this number for its tensor parallelism; None where nothing is known of GPUs."""
    return here.judge(here.footprint, replace(here.settings, tp=many)) if here.cards else None


def longest_here(case: Case, most: int) -> int:
    """The longest request, up to `most` tokens, that finds room on the GPUs at hand; `most` where nothing is known."""
    here = memory_verdict(case)
    if not isinstance(here, MemoryVerdict) or not here.cards:
        return most
    result = here.judge(here.footprint, replace(here.settings, context=most))
    if result.sure:
        return most
    way = shorter(result, Means(here.judge, len(here.cards)))
    return way.result.context if way is not None else most
