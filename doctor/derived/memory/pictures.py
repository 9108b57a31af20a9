"""What pictures of usual sizes cost the named model: tokens of each, how many fit a request, and how many at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.base.record import dataclass
from doctor.derived.memory.verdict import MemoryVerdict
from doctor.facts import Facts, Model
from doctor.launch.processor import processor_arguments
from doctor.matrix.engines import engine_row
from doctor.memory.engines import takes_whole_card
from doctor.memory.fit import steps
from doctor.memory.layout import Layout, layout
from doctor.memory.pictures import tokens_of

SIZES = ((640, 480), (1920, 1080), (4032, 3024))  # pixels: a small one, a screen, a telephone's camera
SHOWN = (1920, 1080)
LARGEST = ((16_384, 16_384), (4096, 4096), (1008, 1008))  # pixels: one of them is the largest picture of a processor
ENCODER = "vllm 0.33.0, v1/core/encoder_cache_manager.py: compute_mm_encoder_budget()"


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels and tokens of a picture; `at_once` of them fill the cache of one GPU, None where that is not known.

    `each` of them fit one request: its length and the command's limit decide; None where the length is not known.
    """

    width: int
    height: int
    tokens: int
    at_once: tuple[int, int] | None
    each: int | None = None


@dataclass(frozen=True, slots=True)
class EncoderCache:
    """What the engine keeps of encoded pictures that are not computed yet: tokens, and bytes of one GPU."""

    tokens: int
    bytes: int
    source: str


def pictures(facts: Facts, here: MemoryVerdict) -> tuple[Picture, ...]:
    """One for each size; empty for a model without pictures, or of a family that is not known here."""
    model = facts.model if isinstance(facts.model, Model) else here.listed.model if here.listed else None
    found = layout(model.config, model.model_type) if model is not None and here.settings.vision else None
    if model is None or found is None or here.settings.images == 0:
        return ()
    given = {**model.preprocessor, **processor_arguments(facts)}
    counted = ((size, tokens_of(found, given, *size)) for size in SIZES)
    return tuple(
        Picture(*size, tokens, _at_once(here, tokens), _each(here, tokens)) for size, tokens in counted if tokens
    )


def encoder_cache(facts: Facts, here: MemoryVerdict) -> EncoderCache | None:
    """vLLM keeps as many tokens as it computes at once, at least those of the largest picture or video.

    None for engines that keep none on the GPU, and for models whose largest picture is not known here.
    """
    model = facts.model if isinstance(facts.model, Model) else here.listed.model if here.listed else None
    found = layout(model.config, model.model_type) if model is not None else None
    if here.fit is None or found is None or model is None or not here.footprint.vision or not here.settings.vision:
        return None
    row = engine_row(here.settings.engine)
    first = row.has("whole_prompts", here.settings.release, unknown=False)
    if not takes_whole_card(here.settings) or first or here.settings.images == here.settings.videos == 0:
        return None
    largest = _largest(found, {**model.preprocessor, **processor_arguments(facts)}, here)
    batch, _ = steps(here.settings, here.fit.card, here.footprint)
    tokens = max(batch, largest)
    levels = 1 + len(found.vision.get("deepstack_visual_indexes") or ())
    width = here.footprint.shape.hidden if here.footprint.shape else 0
    return EncoderCache(tokens, int(tokens * width * levels * here.footprint.dtype_bytes), ENCODER) if largest else None


def _largest(found: Layout, given: Mapping[str, Any], here: MemoryVerdict) -> int:
    """Tokens of the largest picture or video that a request may hold; 0 where it is not known."""
    image = max((n for size in LARGEST if (n := tokens_of(found, given, *size))), default=0)
    if not here.footprint.sight.videos or here.settings.videos == 0 or here.fit is None or not image:
        return image
    return max(image, here.footprint.sight.video(here.settings, here.fit.context))


def _each(here: MemoryVerdict, tokens: int) -> int | None:
    """No more than the cache holds; vLLM's first engine takes one picture where the command names no limit."""
    if here.fit is None or not here.fit.context:
        return None
    first = engine_row(here.settings.engine).has("whole_prompts", here.settings.release, unknown=False)
    limit = here.settings.images if here.settings.images is not None else 1 if first else None
    held = here.fit.longest[1] if here.fit.starts and here.fit.longest[1] else here.fit.context
    most = min(here.fit.context, held) // tokens
    return most if limit is None else min(most, limit)


def _at_once(here: MemoryVerdict, tokens: int) -> tuple[int, int] | None:
    if here.fit is None or not here.fit.per_token:
        return None
    return here.fit.tokens[0] // tokens, here.fit.tokens[1] // tokens
