"""A prediction corrected by what the same launch logged on the same machine."""

from __future__ import annotations

from dataclasses import replace

from doctor.facts.observed import Observed
from doctor.memory.engines import takes_whole_card
from doctor.memory.fit import Fit, verdict_of
from doctor.memory.overhead import Overhead

SPREAD, SPREAD_SHARE = 96 << 20, 0.005  # between two starts of one launch
AN_OLD_RUN = "what an earlier run measured"


def corrected(now: Fit, then: Fit, seen: Observed) -> Fit:
    """`now` with the difference between `seen` and `then`, the prediction for that run, whose `free` may differ.

    Weights that are larger than the card stay as they are predicted, whatever a log says.
    """
    if now.weights > now.card or now.counted is None:
        return now
    cache = seen.cache if seen.cache is not None else _of_tokens(then, seen)
    loaded = _loaded(now, then, seen)
    least, most = now.rule.least - loaded + now.weights, now.rule.most - loaded + now.weights
    used = now.overhead
    if cache is not None:
        middle = (now.rule.least + now.rule.most - then.rule.least - then.rule.most) // 2 + cache
        spread = SPREAD + int(SPREAD_SHARE * max(middle, 0))
        least, most = middle - spread, middle + spread
        if takes_whole_card(now.settings):
            used = _measured(now.pool - loaded - most, now.pool - loaded - least)
    ends = min(least, now.card - loaded), min(most, now.card - loaded)
    return _with(now, loaded, used, ends, _rate(then, seen), _each(then, seen))


def _with(now: Fit, loaded: int, used: Overhead, ends: tuple[int, int], rate: float, each: float) -> Fit:
    """The prediction again, with these bytes of weights and of cache."""
    left = replace(now.rule, least=ends[0], most=ends[1])
    space = (max(ends[0], 0), max(ends[1], 0))
    tokens = tuple(int(now.counted.tokens_in(size) * rate) for size in space) if now.counted else (0, 0)
    tokens = tuple(min(t, now.settings.blocks) for t in tokens) if now.settings.blocks else tokens
    needed = int(now.needed * each)
    many = (space[0] / needed, space[1] / needed) if needed else (0.0, 0.0)
    verdict = verdict_of(loaded, used, now.card, left, now.counted, needed)
    return replace(
        now, verdict=verdict, language=max(loaded - now.vision, 0), vision=min(now.vision, loaded), overhead=used,
        cache=space, tokens=(tokens[0], tokens[-1]), per_token=now.per_token / rate, needed=needed, concurrent=many,
        rule=left,
    )  # fmt: skip


def _measured(least: int, most: int) -> Overhead:
    least, most = max(least, 0), max(most, 0)
    return Overhead(least, most, ((AN_OLD_RUN, least, most),))


def _loaded(now: Fit, then: Fit, seen: Observed) -> int:
    """Bytes of the weights."""
    if seen.weights is None:
        return now.weights
    return max(now.weights + seen.weights - then.weights, 0)


def _rate(then: Fit, seen: Observed) -> float:
    """Tokens that the cache held for each that was predicted for its size."""
    if not seen.tokens or seen.cache is None or seen.cache <= 0 or then.counted is None or then.settings.blocks:
        return 1.0
    expected = then.counted.tokens_in(seen.cache)
    return _bounded(seen.tokens / expected) if expected else 1.0


def _each(then: Fit, seen: Observed) -> float:
    """Bytes that one whole request took for each that was predicted."""
    if not seen.concurrency or seen.cache is None or seen.cache <= 0 or not then.needed or seen.length != then.context:
        return 1 / _rate(then, seen)
    return _bounded(seen.cache / seen.concurrency / then.needed)


def _of_tokens(then: Fit, seen: Observed) -> int | None:
    """The cache's bytes where only its tokens were logged."""
    if not seen.tokens or then.counted is None or then.settings.blocks:
        return None
    return int(then.counted.holds(seen.tokens))


def _bounded(times: float) -> float:
    return min(max(times, 0.05), 20.0)
