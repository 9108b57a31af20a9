"""Ways to make it fit: changes of the launch, each tried with the same arithmetic before it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from doctor.base.record import dataclass
from doctor.base.text import plural
from doctor.launch.settings import Settings
from doctor.matrix.models.members import Member
from doctor.memory.changes import Change, brief, candidates, share_of
from doctor.memory.engines import default_share
from doctor.memory.fit import COMFORT, Fit, Judge, divides, usual_context
from doctor.memory.footprint import Footprint

GOOD = ("fits", "tight")
STEP = 1024
LEAST_CONTEXT = 2048
DECENT_CONTEXT = 8192
# tried where the one asked for leaves no room at all
LENGTHS = (98_304, 65_536, 49_152, 32_768, 24_576, 16_384, 12_288, DECENT_CONTEXT)
MOST = 4  # ways that are told
Splits = Callable[[Member | None, int], bool]
LIGHTER = ("dtype", "gpus")  # changes that leave less of the weights on a GPU


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: `arguments` are (flag, value) to set, or to leave out where the value is None; `member` another
    checkpoint, `result` what it comes to; `kinds` are what the changes are about."""

    title: str
    result: Fit
    arguments: tuple[tuple[str, str | None], ...] = ()
    member: Member | None = None
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Means:
    """What a way out may use: `judge` tells what becomes of a model under settings, on `gpus` cards at hand.

    `kinds` are the formats of the KV cache that this engine release has; `lighter` is the model in the number format
    of its files, where the launch asks for a wider one. `splits` tells whether the engine deals out a checkpoint, the
    launch's own for None, to so many GPUs.
    """

    judge: Judge
    gpus: int
    kinds: tuple[str, ...] = ()
    lighter: Footprint | None = None
    splits: Splits = lambda member, many: True

    def numbers(self, asked: Settings, found: Footprint, member: Member | None = None) -> tuple[int, ...]:
        """The numbers of GPUs, more than are asked for, that can share a model by tensor parallelism."""
        most = self.gpus // (asked.pp * asked.copies) if not asked.attention else 0
        return tuple(n for n in range(asked.tp + 1, most + 1) if divides(found, n) and self.splits(member, n))


def ways(now: Fit, means: Means) -> tuple[Way, ...]:
    """Ways out of a launch that does not fit, the mildest first: one change, else two, else as many as it takes.

    What the command itself asks for beyond the engine's default is taken back first, with what else that needs. What
    may start is told where nothing is found that certainly does.
    """
    changes = _changes(now, means)
    single = list(_single(now, means))
    sure = [way for way in single if way.result.sure]
    own = {change.kind for change in changes if change.own}
    first = [way for way in sure if way.kinds & own]
    back = [] if first else _sure_pairs([c for c in changes if c.own], now, means)
    found = _distinct([*first, *back[:1], *sure, *_longer(sure, changes, now, means)])
    found = found or _sure_pairs(changes, now, means) or single or list(_together(now, means))
    decent = [way for way in found if way.result.context >= min(DECENT_CONTEXT, now.context)]
    return tuple((decent or found)[:MOST])


def _longer(sure: list[Way], changes: list[Change], now: Fit, means: Means) -> Iterator[Way]:
    """Without videos, beside a shorter context, where that leaves half as much again for a request."""
    alone = next((way for way in sure if way.kinds == {"context"}), None)
    change = next((c for c in changes if c.kind == "pictures"), None)
    if alone is None or change is None or any(change.kind in way.kinds for way in sure):
        return
    step = means.judge(now.footprint, change.settings)
    for way in shortened(step, means, now):
        if way.result.sure and way.result.context >= 1.5 * alone.result.context:
            yield _both(change, way)


def _both(first: Change, way: Way) -> Way:
    title = f"{first.named}, and {way.title[0].lower()}{way.title[1:]}"
    return replace(way, title=title, arguments=(*first.arguments, *way.arguments), kinds=way.kinds | {first.kind})


def _sure_pairs(changes: list[Change], now: Fit, means: Means) -> list[Way]:
    """Two changes that are enough together, the first of them one of `changes`."""
    pairs: list[Way] = []
    for first in changes if now.weights <= now.card else [c for c in changes if c.kind in LIGHTER]:
        step = means.judge(first.footprint or now.footprint, first.settings)
        if step.rule.least <= now.rule.least and step.verdict == now.verdict:
            continue  # it leaves no more room
        for way in _single(step, means, now):
            if way.result.sure and first.kind not in way.kinds:
                pairs.append(_both(first, way))
    return _distinct(pairs)


def _distinct(found: list[Way]) -> list[Way]:
    """The first about the same things."""
    return list({way.kinds: way for way in reversed(found)}.values())[::-1]


def _changes(now: Fit, means: Means) -> list[Change]:
    numbers = means.numbers(now.settings, now.footprint)
    return sorted(candidates(now, numbers, means.kinds, means.lighter), key=lambda change: not change.mild)


def _single(now: Fit, means: Means, before: Fit | None = None) -> Iterator[Way]:
    """Of each kind of change the first that is enough, a shorter context between the mild and the others.

    `before` is the launch that is to be improved.
    """
    changes = _changes(now, means)
    yield from _enough([c for c in changes if c.mild], now, means, before or now)
    yield from shortened(now, means, before or now)
    yield from _enough([c for c in changes if not c.mild], now, means, before or now)


def _enough(changes: list[Change], now: Fit, means: Means, before: Fit) -> Iterator[Way]:
    for kind in dict.fromkeys(change.kind for change in changes):
        tried = ((c, means.judge(c.footprint or now.footprint, c.settings)) for c in changes if c.kind == kind)
        good = [(change, result) for change, result in tried if better(result, before)]
        for change, result in sorted(good, key=lambda pair: not pair[1].sure)[:1]:
            yield Way(titled(change.named, result), result, change.arguments, kinds=frozenset((change.kind,)))


def better(result: Fit, before: Fit) -> bool:
    """Whether it starts and serves a whole request; where that held before, whether it has room to breathe now."""
    return result.verdict in GOOD and (before.verdict != "tight" or result.verdict == "fits")


def _together(now: Fit, means: Means) -> Iterator[Way]:
    """All changes that leave more room than there was, one after the other until it fits; then without the needless."""
    taken: list[Change] = []
    at = now
    for _ in range(6):
        known = {c.kind for c in taken}
        steps = [c for c in _changes(at, means) if c.kind not in known]
        room = [(means.judge(c.footprint or at.footprint, c.settings), c) for c in steps]
        step = next(((r, c) for r, c in room if r.rule.least > at.rule.least), None)
        if step is None:
            return
        at, change = step
        taken.append(change)
        ending = [Way(titled("", at), at)] if better(at, now) else list(shortened(at, means, now))
        if ending:
            last = ending[0]
            parts = [*(c.named for c in taken), *([last.title] if last.arguments else [])]
            first, *rest = [parts[0], *(part[0].lower() + part[1:] for part in parts[1:])]
            title = f"{', '.join([first, *rest[:-1]])}, and {rest[-1]}" if rest else first
            yield Way(title, last.result, (*(a for c in taken for a in c.arguments), *last.arguments))
            return


def shorter(now: Fit, means: Means) -> Way | None:
    """A shorter context that finds room, the longest; None where none does."""
    return next(shortened(now, means, now), None)


def shortened(now: Fit, means: Means, before: Fit) -> Iterator[Way]:
    """The longest context of which a whole request certainly fits, else one of which it may.

    A shorter request also takes less to compute, so that more may fit than is left for the one asked for.
    """
    flag, own = brief(now, "context"), usual_context(now.footprint, now.settings) or now.context
    most = min(now.context - 1, own)
    exact = (*now.longest, int(now.longest[0] / COMFORT))
    lengths = {min(tokens, most) // STEP * STEP for tokens in exact} | {n for n in LENGTHS if n <= most}
    tried: list[tuple[int, Fit]] = []
    for length in sorted((n for n in lengths if n >= LEAST_CONTEXT), reverse=True) if flag else ():
        result = means.judge(now.footprint, replace(now.settings, context=length))
        if better(result, before):
            tried.append((length, result))
            if result.sure:
                break
    for length, result in sorted(tried, key=lambda pair: not pair[1].sure)[:1]:
        yield _limited(flag or "", length, result)


def _limited(flag: str, length: int, result: Fit) -> Way:
    title = f"limit the context to {plural(length, 'token')} (`{flag} {length}`)"
    return Way(title, result, ((flag, str(length)),), kinds=frozenset(("context",)))


def smaller_cache(now: Fit, judge: Judge) -> Way | None:
    """The engine's own share of the cache, else the largest, that leaves computing what it usually takes."""
    flag, asked = brief(now, "memory_share"), now.settings
    usual = replace(asked, share=None)
    if flag and asked.share is not None and default_share(usual, now.card, now.footprint) < asked.share:
        result = judge(now.footprint, usual)
        if _breathes(result):
            return Way(titled(f"remove `{flag}`", result), result, ((flag, None),))
    steps = range(min(int(share_of(now) * 100), 100) - 1, 9, -1) if flag else ()
    tried = [(n / 100, judge(now.footprint, replace(asked, share=n / 100))) for n in steps]
    found = next(((share, result) for share, result in tried if _breathes(result)), None)
    if found is None and not now.rule.refuses:  # shorter requests are served, at least
        found = next(((share, r) for share, r in tried if r.starts and r.easy and r.cache[0] > 0), None)
    if found is None:
        return None
    value = f"{found[0]:g}"
    title = titled(f"Reserve less for the cache (`{flag} {value}`)", found[1])
    return Way(title, found[1], ((flag or "", value),))


def _breathes(result: Fit) -> bool:
    return result.verdict in GOOD and result.easy and result.concurrent[0] >= 1


def titled(title: str, result: Fit) -> str:
    """A title with how many tokens there is room for."""
    if not result.tokens[0] and not result.tokens[1]:
        return title
    few = result.tokens[0] or result.tokens[1]
    return f"{title}: room for {plural(few, 'token')}" + ("" if result.tokens[0] else " at best")
