"""Ways to make it fit: changes of the launch or of the model, each tried with the same arithmetic before it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.matrix.models.members import Member
from doctor.memory.engines import default_share
from doctor.memory.fit import Fit, divides, fit
from doctor.memory.footprint import Footprint, footprint

GOOD = ("fits", "tight")
STEP = 1024
LEAST_CONTEXT = 2048
DECENT_CONTEXT = 8192
LENGTHS = (65_536, 32_768, 16_384, DECENT_CONTEXT)  # tried where the one asked for leaves no room at all
TP = "tensor_parallel"
BITS = {"4": 4}


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: `arguments` are (flag, value) to set, `member` another checkpoint, `result` what it comes to."""

    title: str
    result: Fit
    arguments: tuple[tuple[str, str], ...] = ()
    member: Member | None = None


def ways(now: Fit, gpus: int, free: int | None = None, kinds: tuple[str, ...] = ()) -> tuple[Way, ...]:
    """Ways out of a launch that does not fit, the mildest first, on the `gpus` cards at hand.

    `kinds` are the formats of the KV cache that this engine release has. A pair of changes is tried where no single
    one is enough.
    """
    found = list(_single(now, gpus, free, kinds))
    if found:
        return tuple(found)
    for first in _candidates(now, gpus, kinds):
        step = fit(now.footprint, now.card, first[1], free)
        for way in _single(step, gpus, free, kinds):
            title = f"{first[0]} (`{' '.join(first[2][0])}`), and {way.title[0].lower()}{way.title[1:]}"
            found.append(replace(way, title=title, arguments=(*first[2], *way.arguments)))
    return tuple(found)


def _single(now: Fit, gpus: int, free: int | None, kinds: tuple[str, ...]) -> Iterator[Way]:
    for title, changed, arguments in _candidates(now, gpus, kinds):
        result = fit(now.footprint, now.card, changed, free)
        if result.verdict in GOOD and (now.verdict != "tight" or result.verdict == "fits"):
            yield Way(_titled(f"{title} (`{' '.join(arguments[0])}`)", result), result, arguments)
    yield from _shorter(now, free)


def _candidates(
    now: Fit, gpus: int, kinds: tuple[str, ...]
) -> Iterator[tuple[str, Settings, tuple[tuple[str, str], ...]]]:
    """Settings to try: a larger share, fewer pictures, no CUDA graphs, a narrower cache, more GPUs."""
    asked, row = now.settings, engine_row(now.settings.engine)
    images, share, kv, gpus_of = (row.brief(m) for m in ("images_per_prompt", "memory_share", "kv_cache_dtype", TP))
    if asked.images is not None and asked.images > 1 and images and row.has("images_counted", asked.release):
        yield "Limit requests to one image", replace(asked, images=1), ((images, '{"image": 1}'),)
    usual = default_share(asked, now.card, now.footprint)
    most = usual if _share(now) < usual - 0.01 else row.memory.largest_share
    if share and now.rule.rule.startswith("`--") and now.pool and most > _share(now):
        yield f"Give the engine a share of {most:g}", replace(asked, share=most), ((share, f"{most:g}"),)
    for kind in row.memory.narrow_caches if kv else ():
        if kv and kind in kinds and asked.kv in ("auto", "0", "", "bfloat16", "float16"):
            yield f"Store the KV cache in {BITS.get(kind, 8)} bits", replace(asked, kv=kind), ((kv, kind),)
    for tp in range(asked.tp + 1 if not asked.attention else gpus + 1, gpus // (asked.pp * asked.copies) + 1):
        if gpus_of and divides(now.footprint, tp):
            yield f"Use {tp} GPUs", replace(asked, tp=tp), ((gpus_of, str(tp)),)


def _share(now: Fit) -> float:
    if now.settings.share is not None:
        return now.settings.share
    usual = engine_row(now.settings.engine).memory.share
    return usual if usual is not None else now.pool / now.card


def _shorter(now: Fit, free: int | None) -> Iterator[Way]:
    """The longest context of which a whole request certainly fits."""
    flag = engine_row(now.settings.engine).brief("context")
    for tokens in now.longest:
        length = min(tokens, now.context) // STEP * STEP
        if flag and LEAST_CONTEXT <= length < now.context:
            changed = replace(now.settings, context=length)
            result = fit(now.footprint, now.card, changed, free)
            if result.verdict in GOOD:
                yield _limited(flag, length, result)
                return
    if flag and not any(now.tokens):  # a shorter request also takes less to compute, so that room may be left at all
        tried = ((n, fit(now.footprint, now.card, replace(now.settings, context=n), free)) for n in LENGTHS)
        yield from [_limited(flag, n, r) for n, r in tried if n < now.context and r.verdict in GOOD and r.easy][:1]


def _limited(flag: str, length: int, result: Fit) -> Way:
    return Way(f"Limit the context to {length:,} tokens: `{flag} {length}`", result, ((flag, str(length)),))


def smaller_cache(now: Fit, free: int | None = None) -> Way | None:
    """The largest share of the cache that leaves computing what it usually takes; None where none does."""
    flag = engine_row(now.settings.engine).brief("memory_share")
    for hundredths in range(int(_share(now) * 100) - 1, 9, -1) if flag else ():
        result = fit(now.footprint, now.card, replace(now.settings, share=hundredths / 100), free)
        if result.verdict in GOOD and result.easy and not result.rule.doubtful and result.concurrent[0] >= 1:
            value = f"{hundredths / 100:g}"
            title = _titled(f"Reserve less for the cache (`{flag} {value}`)", result)
            return Way(title, result, ((flag or "", value),))
    return None


def _titled(title: str, result: Fit) -> str:
    if not result.tokens[0] and not result.tokens[1]:
        return title
    few = result.tokens[0] or result.tokens[1]
    return f"{title}: room for {few:,} tokens" + ("" if result.tokens[0] else " at best")


def other_checkpoints(
    now: Fit, family: tuple[Member, ...], taken: Callable[[Member], bool], free: int | None = None, most: int = 3
) -> tuple[Way, ...]:
    """Checkpoints of the same family that fit, the largest models first; `taken` tells which ones the engine reads.

    One that fits with a shorter context is told with that, if it is not hopelessly short.
    """
    out: list[Way] = []
    for member in sorted(family, key=lambda m: (-_size_of(m), -m.bytes)):
        if len(out) >= most:
            break
        if member.bytes >= now.footprint.total or not taken(member):
            continue
        found = footprint(member.model)
        if found is not None and divides(found, now.settings.tp):
            out += list(_taking(member, found, now, free))[:1]
    return tuple(out)


def _taking(member: Member, found: Footprint, now: Fit, free: int | None) -> Iterator[Way]:
    result = fit(found, now.card, replace(now.settings, quantization=None), free)
    if result.easy and result.verdict in GOOD:
        yield Way(_titled(f"Use `{member.id}`", result), result, (), member)
    elif not any(result.longest) or (
        result.easy and result.verdict in ("refused", "short") and result.longest[0] >= DECENT_CONTEXT
    ):
        for way in _shorter(result, free):
            title = f"Use `{member.id}` with a context of {way.result.context:,} tokens"
            yield replace(way, title=title, member=member)


def _size_of(member: Member) -> int:
    """Which model it is, whatever it is stored in: the smallest of a family is the one with the smallest layers."""
    config = member.config.get("text_config") or member.config.get("llm_config") or member.config
    layers, hidden = config.get("num_hidden_layers", 0), config.get("hidden_size", 0)
    return int(layers) * int(hidden)
