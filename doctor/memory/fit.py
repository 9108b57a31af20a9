"""Does it fit: a model's weights, a card and a launch's settings in, one value out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.adapters import adapters
from doctor.memory.cache import Cache, cache, number, of_full_layer, of_layer
from doctor.memory.divided import divided
from doctor.memory.drafter import Drafter, drafter
from doctor.memory.engines import BLOCK, FEWEST_BLOCKS, GIB, Budget, Denied, budget, default_share, takes_whole_card
from doctor.memory.footprint import Footprint
from doctor.memory.overhead import Overhead, in_chunks, overhead
from doctor.memory.padding import Capability, padding
from doctor.memory.pages import Pages, pages
from doctor.memory.pools import Pools, pools
from doctor.memory.there import checks_what_is_set, judged, sized, space_of

Kept = Cache | Pages | Pools
Verdict = Literal["never", "refused", "short", "tight", "fits"]
VERDICTS: tuple[Verdict, ...] = ("never", "refused", "short", "tight", "fits")
LARGE = 70 * GIB  # vLLM computes more at once on such cards: engine/arg_utils.py, get_batch_defaults()
HUGE = 160 * GIB  # the same place, from 0.28 on
COMFORT = 2.0
EVEN = 0.9  # of what is free on another GPU
CARDS = (8, 12, 16, 24, 32, 40, 48, 80, 96, 141, 180)
COUNTS = (1, 2, 4, 8)
USABLE = 0.975  # of 24 GB that are on the box: the driver keeps the rest


@dataclass(frozen=True, slots=True)
class Fit:
    """The memory of the fullest GPU under one launch, in bytes.

    `verdict`: never (weights and the least overhead are more than the card), refused (more than the engine's share, or
    no room for one whole request where the engine insists on it), short (it starts, but one whole request does
    not fit), tight (it depends on the overhead, or hardly more than one request fits), fits.
    `cache` is the room for the KV cache and `tokens` what the engine's log says of it, at least and at most; `longest`
    is the longest request that it holds, `context` the length of a whole one and `concurrent` how many of those fit.
    """

    verdict: Verdict
    card: int
    pool: int
    language: int
    vision: int
    overhead: Overhead
    cache: tuple[int, int]
    per_token: float
    tokens: tuple[int, int]
    context: int
    needed: int
    concurrent: tuple[float, float]
    rule: Budget
    settings: Settings
    footprint: Footprint
    counted: Kept | None = None
    longest: tuple[int, int] = (0, 0)

    @property
    def weights(self) -> int:
        """Of this GPU, the vision tower's included."""
        return self.language + self.vision

    @property
    def spare(self) -> int:
        """What is left of the card beside weights, cache and other processes, for everything else."""
        return self.card - self.rule.taken - self.weights - self.cache[0]

    @property
    def easy(self) -> bool:
        """Whether computing has room to breathe; vLLM tries it out and sizes the cache by it, the others do not."""
        return not self.rule.reserved or self.spare >= ease(self.overhead)

    @property
    def sure(self) -> bool:
        """Whether it serves a whole request even where everything else takes as much as it may."""
        enough = self.concurrent[0] >= 1 and self.easy and not self.rule.doubtful
        return self.verdict == "fits" or (self.verdict == "tight" and enough)

    @property
    def starts(self) -> bool:
        """Whether the server comes up, as far as memory decides."""
        return self.verdict not in ("never", "refused")


Judge = Callable[[Footprint, Settings], Fit]
OnCard = Callable[[Footprint, int, Settings], Fit]


def fit(
    found: Footprint, card: int, asked: Settings, free: int | None = None, capability: Capability | None = None
) -> Fit:
    """The value for cards of `card` bytes of which `free` are (all of it where that is not known)."""
    at_hand = card if free is None else min(free, card)
    batch, requests = steps(asked, card, found)
    used = overhead(found, asked, batch, requests, card, capability)
    by = divided(asked, latent=bool(found.shape and found.shape.latent))
    held, kept_heads = found.shared(by, asked.pp), found.shape.kv_heads if found.shape else 1
    ranks = adapters(found.ranked, asked, by, kept_heads)
    eyes = int(held.vision * _loaded(found, asked))
    guessing = drafter(found, asked)
    extra = padding(found, asked, capability) + int(guessing.weights) + ranks[0]
    language = max(held.language + extra - asked.offload, 0) + rotary(found, asked)
    kept = kept_by(found, asked, batch, guessing)
    first = budget(card, at_hand, language + eyes, used, asked, found)
    unsure = 0 if first.given else ranks[1] - ranks[0]
    first = replace(first, least=first.least - unsure, taken=card - at_hand)
    left = judged(sized(first, kept, asked), at_hand, language + eyes, used, asked)
    context = asked.context or usual_context(found, asked)
    space = space_of(left, kept, asked)
    longest = (kept.tokens_in(space[0]), kept.tokens_in(space[1])) if kept else (0, 0)
    context = min(context, longest[0]) if asked.elastic else context
    needed = int(kept.holds(context)) if kept else 0
    tokens = (kept.logged(space[0], context), kept.logged(space[1], context)) if kept else (0, 0)
    if asked.blocks and not left.given:
        tokens = (min(tokens[0], asked.blocks), min(tokens[1], asked.blocks))
    many = (kept.requests(space[0], context), kept.requests(space[1], context)) if kept and needed else (0.0, 0.0)
    checked = left if checks_what_is_set(left, asked) else replace(first, denied=left.denied, doubtful=left.doubtful)
    found_verdict = verdict_of(language + eyes, used, card, checked, kept, needed)
    if found_verdict in ("fits", "tight") and space[1] < needed:
        found_verdict = "short"  # the blocks that the command sets hold less than what was compared
    if found_verdict == "fits" and found.unseen and asked.vision:
        found_verdict = "tight"  # the tower takes of it what nobody here knows
    return Fit(found_verdict, card, left.pool, language, eyes, used, space, kept.per_token if kept else 0.0,
               tokens, context, needed, many, left, asked, found, kept, longest)  # fmt: skip


def uneven(found: Fit, least: int, most: int) -> Fit:
    """The value for several GPUs of which `least` to `most` bytes are free: some engines refuse what differs much.

    sglang 0.4.3 to 0.5.23, model_runner.py: init_torch_distributed(), distributed/bootstrap.py since 0.5.12.
    """
    row = engine_row(found.settings.engine)
    checks = row.has("refuses_uneven_cards", found.settings.release) and not found.settings.uneven
    if least >= most * EVEN or found.settings.tp < 2 or not checks or not found.starts:
        return found
    return replace(found, verdict="refused", rule=replace(found.rule, denied=Denied("even", int(most * EVEN), least)))


def _loaded(found: Footprint, asked: Settings) -> float:
    """How much of the towers is loaded: those that see and those that hear may each be left out."""
    heard = found.hearing / found.vision if found.vision else 0.0
    return asked.vision * (1 - heard) + asked.hearing * heard


def ease(used: Overhead) -> int:
    """The overhead that a usual server has: a third of the way from the least to the most."""
    return used.least + (used.most - used.least) // 3


def steps(asked: Settings, card: int, found: Footprint) -> tuple[int, int]:
    """Tokens computed at once and requests at most: as asked, else the engine's default for its first card."""
    card = asked.lead or card
    row, large = engine_row(asked.engine), card >= LARGE and not asked.ordinary
    usual = row.memory
    first = row.has("whole_prompts", asked.release, unknown=False)
    requests = asked.requests or asked.usual_requests or usual.requests[large and not first]
    if asked.batch:
        return asked.batch, requests
    if first:
        return _whole_prompts(found, asked), requests
    if found.vision and not large and usual.vision_tokens:
        return usual.vision_tokens, requests
    huge = large and card >= HUGE and row.has("steps_more_on_huge_cards", asked.release, unknown=True)
    return usual.tokens[large] * (2 if huge else 1), requests


def _whole_prompts(found: Footprint, asked: Settings) -> int:
    """vLLM's first engine takes whole prompts at once, those of models with pictures whatever their length."""
    return 2048 if in_chunks(found, asked) else max(asked.context or usual_context(found, asked), 2048)


def usual_context(found: Footprint, asked: Settings) -> int:
    """The longest request, in tokens, where the command names none; 0 where it is not known."""
    if found.shape is None:
        return 0
    stretched = engine_row(asked.engine).has("stretches_context", asked.release)
    return int(found.shape.usual * (found.shape.stretch if stretched else 1))


def rotary(found: Footprint, asked: Settings) -> int:
    """Bytes of the tables of rotary positions: they lie in no file, and vLLM counts them as weights."""
    return int(found.shape.rotary * found.dtype_bytes) if found.shape and takes_whole_card(asked) else 0


def kept_by(found: Footprint, asked: Settings, batch: int, beside: Drafter) -> Kept | None:
    """The cache of a GPU that computes `batch` tokens at once; None where the configuration does not tell its shape."""
    if found.shape is None:
        return None
    width = number(asked.kv, found.dtype_bytes, asked.engine, found.kv_bits)
    each = (of_full_layer(found.shape, asked.attending, width), of_layer(found.shape, asked.attending, width))
    extra = (beside.layers, beside.each)
    if takes_whole_card(asked):
        return pages(found.shape, asked, each, batch, extra=extra)
    if engine_row(asked.engine).memory.budget == "free_at_start":
        return pools(found.shape, asked, each, extra=extra)
    held = cache(found.shape, asked.attending, asked.pp, width, windows=asked.windows)
    return replace(held, token=held.token + beside.layers * beside.each) if beside.layers else held


def verdict_of(weights: int, used: Overhead, card: int, left: Budget, kept: Kept | None, needed: int) -> Verdict:
    """What becomes of a GPU with these weights and this room; `needed` are the bytes of one whole request."""
    if weights + used.least > card:
        return "never"
    if left.denied is not None:
        return "refused"
    if kept is None:
        return "refused" if left.most <= 0 else "tight" if left.least <= 0 else "fits"
    least, most = kept.given(left.least), kept.given(left.most)
    if most <= int(kept.holds(BLOCK * FEWEST_BLOCKS)):
        return "refused"
    if most < needed:
        return "refused" if left.refuses else "short"
    many = least / needed if needed else COMFORT
    if left.doubtful or (left.reserved and card - left.taken - weights - max(left.least, 0) < ease(used)):
        return "tight"
    return "tight" if many < 1 or (most / needed if needed else COMFORT) < COMFORT else "fits"


def floor(found: Footprint, asked: Settings, judge: OnCard | None = None) -> tuple[tuple[int, int], ...]:
    """The smallest common cards that serve it with these settings: (number, GiB), fewer cards first.

    A share smaller than the engine's own is not held on to: it is the first thing to change. `judge` tells what becomes
    of it on a card of so many bytes; of those that a card is sold with, `USABLE` are there.
    """
    judge, out = judge or fit, list[tuple[int, int]]()
    if asked.share is not None and asked.share < default_share(asked, 24 * GIB):
        asked = replace(asked, share=None)
    for count in COUNTS:
        if not divides(found, count * asked.pp):
            continue
        for size in CARDS:
            if out and size >= out[-1][1]:
                break
            plain = replace(asked.spread(count), cache=None, blocks=None)
            result = judge(found, int(size * GIB * USABLE), plain)
            if result.verdict in ("fits", "tight") and (result.concurrent[0] >= 1 or not result.rule.refuses):
                out.append((count, size))
                break
    return tuple(out)


def divides(found: Footprint, tp: int) -> bool:
    """Whether the attention's heads can be dealt out to so many GPUs."""
    if found.shape is None or tp == 1:
        return True
    heads, kept = found.shape.heads, found.shape.kv_heads
    return heads % tp == 0 and (kept % tp == 0 or tp % kept == 0)
