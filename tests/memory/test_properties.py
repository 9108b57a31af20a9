"""What must hold for every model, card and launch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.launch.settings import Settings
from doctor.matrix.models.members import members
from doctor.memory.checkpoints import other_checkpoints
from doctor.memory.fit import USABLE, Fit, divides, fit, floor
from doctor.memory.footprint import Footprint
from doctor.memory.ways import GOOD, Means, ways
from tests.memory.cases import (
    DEEPSEEK,
    FP8_BLOCK,
    GEMMA3,
    GIB,
    GPTQ,
    QWEN3_5,
    QWEN3_VL_8B,
    QWEN3_VL_32B,
    QWEN_VL_INT4,
    computed,
)

ORDER = ("never", "refused", "short", "tight", "fits")
FOOTPRINTS = [
    f for f in (
        computed(QWEN_VL_INT4, "a", GPTQ), computed(QWEN3_VL_8B, "b"), computed(QWEN3_VL_32B, "c", FP8_BLOCK),
        computed(GEMMA3, "d"), computed(DEEPSEEK, "e"), computed(QWEN3_5, "f"),
    ) if f is not None
]  # fmt: skip
FAMILY = tuple(m for m in members() if m.family in ("qwen2_vl", "qwen3_vl"))
found_models = st.sampled_from(FOOTPRINTS)
card_sizes = st.integers(4, 200).map(lambda gib: gib * GIB)


@st.composite
def launches(draw: st.DrawFn) -> Settings:
    engine = draw(st.sampled_from(("vllm", "sglang", "lmdeploy", "")))
    backend = draw(st.sampled_from(("turbomind", "pytorch"))) if engine == "lmdeploy" else "default"
    return Settings(
        engine, draw(st.sampled_from((None, "0.5.3", "0.11.0", "0.33.0"))), backend, draw(st.sampled_from((1, 2, 4, 8))),
        draw(st.sampled_from((1, 2))), share=draw(st.none() | st.floats(0.2, 0.95)),
        context=draw(st.none() | st.integers(256, 300_000)), kv=draw(st.sampled_from(("auto", "fp8", "8", "4"))),
        batch=draw(st.none() | st.integers(256, 32768)), requests=draw(st.none() | st.integers(1, 1024)),
        images=draw(st.none() | st.integers(0, 20)), eager=draw(st.booleans()), vision_split=draw(st.booleans()),
        windows=draw(st.booleans()),
    )  # fmt: skip


@given(found_models, st.integers(1, 16), st.integers(1, 4), st.booleans())
def test_more_gpus_never_need_more_on_each(found: Footprint, tp: int, pp: int, split: bool) -> None:
    here = found.per_gpu(tp, pp, split)
    assert found.per_gpu(tp * 2, pp, split).total <= here.total + 1
    assert found.per_gpu(tp, pp + 1, split).total <= here.total + 1
    assert here.total * tp * pp >= found.total - tp * pp - 1  # nothing is lost between them
    assert here.total <= found.total + 1


@given(found_models, card_sizes, launches())
def test_a_larger_card_is_never_worse(found: Footprint, card: int, asked: Settings) -> None:
    usual = replace(asked, batch=asked.batch or 4096, requests=asked.requests or 256)  # defaults grow with the card
    here, larger, same = fit(found, card, asked), fit(found, card + 8 * GIB, usual), fit(found, card, usual)
    if asked.engine != "sglang" and asked.backend != "pytorch":  # these set more aside on larger cards, in steps
        assert larger.tokens[0] >= same.tokens[0]
        assert ORDER.index(larger.verdict) >= ORDER.index(same.verdict)
    assert here.tokens[0] <= here.tokens[1] and here.cache[0] <= here.cache[1]
    assert here.overhead.least <= here.overhead.most


@given(found_models, card_sizes, launches())
def test_a_narrower_cache_never_holds_fewer_tokens(found: Footprint, card: int, asked: Settings) -> None:
    wide, narrow = ("0", "4") if asked.engine == "lmdeploy" else ("auto", "fp8")
    one, other = fit(found, card, replace(asked, kv=wide)), fit(found, card, replace(asked, kv=narrow))
    if asked.backend != "pytorch":  # sets aside for a step whatever leaves 16 blocks: the smaller they are, the more
        assert other.tokens[0] >= one.tokens[0] and other.tokens[1] >= one.tokens[1]
    assert other.per_token <= one.per_token


@given(found_models, card_sizes, launches())
def test_a_shorter_context_never_makes_it_worse(found: Footprint, card: int, asked: Settings) -> None:
    longer = replace(asked, context=(asked.context or 4096) * 2)
    here = replace(asked, context=asked.context or 4096)
    assert ORDER.index(fit(found, card, here).verdict) >= ORDER.index(fit(found, card, longer).verdict)


@settings(deadline=None, max_examples=60)
@given(found_models, card_sizes, launches(), st.integers(1, 8))
def test_every_way_out_was_tried(found: Footprint, card: int, asked: Settings, gpus: int) -> None:
    now = fit(found, card, asked)
    if now.verdict == "fits":
        return
    means = Means(lambda model, launch: fit(model, card, launch), gpus, ("fp8", "fp8_e4m3", "8", "4"))
    for way in ways(now, means):
        _holds(way.result, gpus if way.result.settings.tp > asked.tp else None)
        assert way.arguments and way.title
    for way in other_checkpoints(now, FAMILY, lambda m: True, means):
        assert way.member is not None and way.member.bytes < found.total
        _holds(way.result, None)


def _holds(result: Fit, gpus: int | None) -> None:
    again = fit(result.footprint, result.card, result.settings)
    assert again.verdict == result.verdict and again.verdict in GOOD
    assert divides(result.footprint, result.settings.tp) or gpus is None
    assert gpus is None or result.settings.gpus <= gpus


@settings(deadline=None, max_examples=40)
@given(found_models, launches())
def test_the_floor_is_the_smallest_that_serves(found: Footprint, asked: Settings) -> None:
    seen: Any = None
    for count, size in floor(found, replace(asked, share=None)):
        on = replace(asked, share=None, tp=count, copies=1)
        assert fit(found, int(size * GIB * USABLE), on).verdict in GOOD
        assert seen is None or size < seen
        seen = size
