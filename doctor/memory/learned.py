"""A prediction corrected by what the same launch logged on the same machine."""

from __future__ import annotations

from dataclasses import replace

from doctor.facts.observed import Observed
from doctor.memory.engines import takes_whole_card
from doctor.memory.fit import Fit, Kept, verdict_of
from doctor.memory.overhead import Overhead
from doctor.memory.there import space_of

GIB = 1 << 30
SPREAD, SPREAD_SHARE = 96 << 20, 0.005  # between two starts of one launch
LIGHTEST = 0.7  # of the weights that are computed, at least so many are loaded
FURTHEST = 5.0  # times as many tokens as computed, or as few
AN_OLD_RUN = "what an earlier run measured"


def believable(then: Fit, seen: Observed) -> Observed:
    """What of `seen` a server can have logged for which `then` was predicted; the rest is left out.

    Weights that are computed from a known model are not off by half, the cache has room in the engine's share beside
    them, and a token takes about the bytes that its layers need.
    """
    known = not (then.footprint.guessed or then.footprint.assumed or then.footprint.unseen)
    weights, cache, tokens, many = seen.weights, seen.cache, seen.tokens, seen.concurrency
    if known and weights is not None and not then.weights / 2 <= weights <= then.weights * 2:
        weights = None
    most = (then.settings.cache or max(then.pool, 0) - (LIGHTEST * then.weights if known else 0)) + then.card // 50
    if cache is not None and cache > most:
        cache = tokens = many = None
    if tokens and then.counted is not None and not then.settings.blocks:
        held = then.counted.logged(cache, then.context) if cache is not None else 0
        if (held and not _near(tokens / held)) or (cache is None and then.counted.holds(tokens) > most):
            cache = tokens = many = None
    if many and cache and then.counted is not None and seen.length == then.context:
        expected = then.counted.requests(cache, then.context)
        many = many if not expected or _near(many / expected) else None
    return replace(seen, weights=weights, cache=cache, tokens=tokens, concurrency=many)


def _near(times: float) -> bool:
    return 1 / FURTHEST <= times <= FURTHEST


def corrected(now: Fit, then: Fit, seen: Observed) -> Fit:
    """`now` with the difference between `seen` and `then`, the prediction for that run, whose `free` may differ.

    Weights that are larger than the card stay as they are predicted, whatever a log says.
    """
    kept = now.counted
    if now.weights > now.card or kept is None:
        return now
    loaded = now.weights if seen.weights is None else max(now.weights + seen.weights - then.weights, 0)
    least, most = now.rule.least - loaded + now.weights, now.rule.most - loaded + now.weights
    used = now.overhead
    cache = seen.cache if seen.cache is not None else _of_tokens(then, seen)
    if cache is not None:
        middle = _left(kept, _middle(now) + cache - _middle(then), (now.rule.least + now.rule.most) // 2)
        spread = SPREAD + int(SPREAD_SHARE * max(middle, 0))
        least, most = middle - spread, middle + spread
        if takes_whole_card(now.settings):
            used = _measured(now.pool - loaded - most, now.pool - loaded - least)
    ends = min(least, now.card - loaded), min(most, now.card - loaded)
    return _with(now, kept, (loaded, used, ends), _rate(then, seen), _each(then, seen))


def burdened(now: Fit, then: Fit, seen: Observed) -> Fit:
    """Another model on the same machine, with what the run took more than was predicted of it beside its weights."""
    cache = seen.cache if seen.cache is not None else _of_tokens(then, seen)
    if cache is None or now.counted is None or now.weights > now.card:
        return now
    loaded = then.weights if seen.weights is None else seen.weights
    more = _middle(then) - cache - (loaded - then.weights)
    if more <= SPREAD:
        return now
    used = Overhead(now.overhead.least + more, now.overhead.most + more, now.overhead.reasons)
    ends = now.rule.least - more, now.rule.most - more
    return _with(now, now.counted, (now.weights, used, ends), 1.0, 1.0)


def _with(now: Fit, kept: Kept, found: tuple[int, Overhead, tuple[int, int]], rate: float, each: float) -> Fit:
    """The prediction again: `found` are the bytes of the weights, all else, and what both leave at least and at most.

    The cache holds `rate` tokens and `each` requests for one that is predicted for its size.
    """
    loaded, used, ends = found
    left = replace(now.rule, least=ends[0], most=ends[1], denied=None, doubtful=False)  # it came as far as its cache
    space = space_of(left, kept, now.settings)
    tokens = [int(kept.logged(size, now.context) * rate) for size in space]
    tokens = [min(count, now.settings.blocks) for count in tokens] if now.settings.blocks else tokens
    many = [kept.requests(size, now.context) * each if now.needed else 0.0 for size in space]
    longest = [int(kept.tokens_in(size) * rate) for size in space]
    needed = int(now.needed / each)
    return replace(
        now, verdict=verdict_of(loaded, used, now.card, left, kept, needed), language=max(loaded - now.vision, 0),
        vision=min(now.vision, loaded), overhead=used, cache=space, tokens=(tokens[0], tokens[1]), needed=needed,
        per_token=now.per_token / rate, concurrent=(many[0], many[1]), longest=(longest[0], longest[1]), rule=left,
    )  # fmt: skip


def _middle(one: Fit) -> int:
    """Bytes of the cache as predicted; negative where the weights and the rest take more than there is."""
    middle = (one.rule.least + one.rule.most) // 2
    return one.counted.given(middle) if one.counted is not None and middle > 0 else middle


def _left(kept: Kept, cache: int, start: int) -> int:
    """What weights and the rest have to leave for a cache of so many bytes: engines give a part of it to the cache."""
    at = max(start, 64 * GIB)  # beyond what is set aside
    rise = (kept.given(at + GIB) - kept.given(at)) / GIB
    return at + int((cache - kept.given(at)) / rise) if rise > 0 else cache


def _measured(least: int, most: int) -> Overhead:
    least, most = max(least, 0), max(most, 0)
    return Overhead(least, most, ((AN_OLD_RUN, least, most),))


def _rate(then: Fit, seen: Observed) -> float:
    """Tokens that the cache held for each that was predicted for its size."""
    if not seen.tokens or seen.cache is None or seen.cache <= 0 or then.counted is None or then.settings.blocks:
        return 1.0
    expected = then.counted.logged(seen.cache, then.context)
    return _bounded(seen.tokens / expected) if expected else 1.0


def _each(then: Fit, seen: Observed) -> float:
    """Whole requests that it held for each that was predicted for its size."""
    if not seen.concurrency or seen.cache is None or seen.cache <= 0 or then.counted is None:
        return _rate(then, seen)
    expected = then.counted.requests(seen.cache, then.context) if seen.length == then.context else 0.0
    return _bounded(seen.concurrency / expected) if expected else _rate(then, seen)


def _of_tokens(then: Fit, seen: Observed) -> int | None:
    """The cache's bytes where only its tokens were logged."""
    if not seen.tokens or then.counted is None or then.settings.blocks:
        return None
    return int(then.counted.holds(seen.tokens))


def _bounded(times: float) -> float:
    return min(max(times, 0.05), 20.0)
