"""The figures on memory in what a server logged while it started. A log is read without trust."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache

from doctor.base.late import late_pattern
from doctor.facts.observed import Observed
from doctor.matrix.memory_lines import MemoryLine, memory_lines

UNITS = {"gib": 1 << 30, "mib": 1 << 20}
SMALLEST = 1 << 20  # bytes of weights
MOST_TOKENS, MOST_REQUESTS = 1 << 36, 1e7
LEAST_A_TOKEN = 16  # bytes
MOST_LINES = 4096  # of one kind
_OTHER_RANK = late_pattern(r"\b(?:TP|PP|DP|EP)[1-9]\d{0,3}\b")
Found = dict[str, list[float]]


def logged(text: str, engine: str, block: int = 0) -> Observed | None:
    """The figures in a log of this engine; `block` are the tokens of a block of its cache. None where it has none.

    Of several GPUs, those of the one with the most weights and the smallest cache.
    """
    found: Found = {}
    for row, pattern in _patterns(engine):
        for name, values in _read(text, row, pattern).items():
            found.setdefault(name, []).extend(values)
    blocks, span = _one(found, "blocks", min), _one(found, "span", min) or block
    tokens, cache = _one(found, "tokens", min), _one(found, "cache", min)
    if blocks and tokens is None and span:
        tokens = blocks * span
    if blocks and cache is None and (size := _one(found, "block", max)):
        cache = blocks * size
    seen = Observed(
        _whole(_one(found, "weights", max)), _whole(cache), _whole(tokens), _whole(_one(found, "length", min)),
        _one(found, "concurrency", min),
    )  # fmt: skip
    return seen if seen != Observed() else None


def plausible(seen: Observed, card: int) -> Observed | None:
    """The figures that a GPU of `card` bytes can have; None where there are none."""
    weights = _within(seen.weights, SMALLEST, card)
    cache = _within(seen.cache, -card, card - (weights or 0) + card // 50)
    tokens = _within(seen.tokens, 1, MOST_TOKENS)
    if tokens and cache is not None and cache < tokens * LEAST_A_TOKEN:
        tokens = None
    length = _within(seen.length, 1, MOST_TOKENS)
    requests = seen.concurrency if length and 0 < (seen.concurrency or 0) < MOST_REQUESTS else None
    kept = replace(
        seen, weights=weights, cache=cache, tokens=tokens, length=length, concurrency=requests,
        free=_within(seen.free, 1, card),
    )  # fmt: skip
    return kept if kept.weights or kept.cache or kept.tokens else None


@cache
def _patterns(engine: str) -> tuple[tuple[MemoryLine, re.Pattern[str]], ...]:
    return tuple((row, re.compile(row.pattern)) for row in memory_lines() if row.engine == engine)


def _read(text: str, row: MemoryLine, pattern: re.Pattern[str]) -> Found:
    """The values of each figure, one of each line; of several pools of one GPU their sum."""
    rows = [_values(match.groupdict()) for match in _matches(text, row, pattern)]
    if row.add and rows:
        different = {tuple(sorted(values.items())): values for values in rows}.values()
        return {name: [sum(values[name] for values in different)] for name in rows[0]}
    return {name: [values[name] for values in rows] for name in (rows[0] if rows else ())}


def _matches(text: str, row: MemoryLine, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    at = 0
    for _ in range(MOST_LINES):
        match = pattern.search(text, at)
        if match is None:
            return
        start, at = text.rfind("\n", 0, match.start()) + 1, match.end()
        if not (row.add and _OTHER_RANK.search(text, start, match.start())):
            yield match


def _values(groups: Mapping[str, str | None]) -> dict[str, float]:
    """Numbers by figure, with their units; two groups of one figure are added."""
    out: dict[str, float] = {}
    for group, text in groups.items():
        name, _, unit = group.partition("_")
        value = _number(text or "") * UNITS.get(unit.partition("_")[0], 1)
        out[name] = out.get(name, 0.0) + value
    return out


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "").rstrip("."))
    except ValueError:  # `1.2.3`
        return 0.0


def _one(found: Found, name: str, choose: Callable[[list[float]], float]) -> float | None:
    values = [value for value in found.get(name, ()) if value > 0 or (value and name == "cache")]
    return choose(values) if values else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _within(value: int | None, least: int, most: int) -> int | None:
    return value if value is not None and least <= value <= most else None
