"""What guesses tokens ahead, beside the model: the model's own further layers, a head, or a smaller model.

vllm 0.24.0, config/speculative.py, v1/spec_decode/llm_base_proposer.py (embedding and head are the model's own) and
models/llama_eagle3.py; sglang 0.5.23, srt/speculative. An engine counts the layers' cache with the model's.
"""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.attention import Attention
from doctor.memory.cache import number, of_layer, stage
from doctor.memory.footprint import Footprint

HEADS, HALF = ("eagle", "eagle3", "dflash"), 2.0
DRAFT_WORDS = 32_000  # rows of an EAGLE 3 head


@dataclass(frozen=True, slots=True)
class Drafter:
    """On one GPU: bytes of `weights`, `layers` with a cache of their own, `each` bytes of a token in one of those."""

    weights: float = 0.0
    layers: int = 0
    each: float = 0.0


def drafter(found: Footprint, asked: Settings) -> Drafter:
    """What the launch loads to guess tokens ahead; nothing where it guesses without a model."""
    shape, tp = found.shape, max(asked.tp, 1)
    if not asked.drafter or shape is None:
        return Drafter()
    alone = engine_row(asked.engine).has("drafts_undivided", asked.release)
    kept_by = 1 if alone else asked.attending
    each = of_layer(shape, kept_by, number(asked.kv, found.dtype_bytes, asked.engine, found.kv_bits))
    if asked.drafter == "mtp":
        joined = 2 * shape.hidden * shape.hidden * HALF
        return Drafter(found.ahead * (found.ahead_bytes + joined) / tp, found.ahead, each)
    other = found.draft
    if other is not None and other.shape is not None:
        held = other.per_gpu(asked.tp, 1).total
        if asked.drafter in HEADS:  # embedding and head are shared, and not read
            held -= int(other.embedding / tp)
        width = number(asked.kv, other.dtype_bytes, asked.engine, other.kv_bits)
        return Drafter(held, stage(other.shape.full + other.shape.sliding, 1), of_layer(other.shape, kept_by, width))
    if asked.drafter in HEADS:
        return Drafter(_head(shape, third=asked.drafter == "eagle3") / tp, 1, each)
    return Drafter()


def is_unknown(found: Footprint, asked: Settings) -> bool:
    """Whether a model of its own is loaded of which nothing is known."""
    return asked.drafter == "draft_model" and found.draft is None


def _head(shape: Attention, *, third: bool) -> float:
    """Bytes of an EAGLE head: one plain layer of the model's sizes, and what joins its inputs."""
    hidden, inner = shape.hidden, shape.intermediate or 4 * shape.hidden
    seen = 2 * hidden if third else hidden
    own = seen * (shape.heads + 2 * shape.kv_heads) * shape.head_dim + shape.heads * shape.head_dim * hidden
    joint = 3 * hidden * hidden + DRAFT_WORDS * hidden if third else 2 * hidden * hidden
    return HALF * (own + 3 * hidden * inner + joint)

