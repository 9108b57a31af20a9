"""By how many GPUs the parts of a model's weights are divided, as each engine builds its layers.

sglang 0.4.3 to 0.5.23, srt/models/deepseek_v2.py, qwen2_moe.py and layers/vocab_parallel_embedding.py; lmdeploy 0.8.0
to 0.18.0, pytorch/models and pytorch/nn/linear; vllm 0.8.3 to 0.33.0, fused_moe/config.py.
"""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row


@dataclass(frozen=True, slots=True)
class Divided:
    """Of the GPUs of one stage, how many share attention, an MLP, the experts of a layer, both ends, the tower, and
    the experts that every token passes."""

    attention: int = 1
    dense: int = 1
    experts: int = 1
    embedding: int = 1
    head: int = 1
    eyes: int = 1
    common: int = 1


def evenly(tp: int, *, eyes: bool = True) -> Divided:
    """All is divided by `tp`; the tower only if it is (`eyes`)."""
    tp = max(tp, 1)
    return Divided(tp, tp, tp, tp, tp, tp if eyes else 1, tp)


def divided(asked: Settings, *, latent: bool = False) -> Divided:
    """As this launch asks for it. `latent`: the model has multi-head latent attention."""
    attention, row, release = asked.attending, engine_row(asked.engine), asked.release
    embedding, head = attention, asked.head or asked.tp
    if asked.backend == "pytorch" and row.has("whole_ends_in_pytorch"):
        embedding = attention if latent and row.has("divides_latent_embedding", release) else 1
        head = attention if latent and row.has("divides_latent_head", release) else 1
    apart = asked.experts_apart and asked.tp > 1 and asked.copies > 1 and row.has("keeps_common_experts", release)
    dense = asked.dense or asked.tp
    return Divided(
        attention, dense, (asked.experts or asked.tp) * sharing(asked), embedding, head,
        attention if asked.vision_split else 1, 1 if apart else dense,
    )  # fmt: skip


def sharing(asked: Settings) -> int:
    """How many data-parallel copies share one set of experts: all of them in vLLM, with and without expert parallelism.

    `FusedMoEParallelConfig.make` (in 0.8 `FusedMoE.__init__`) multiplies the sizes of both kinds of parallelism.
    """
    return asked.copies if engine_row(asked.engine).has("shares_experts_between_copies", asked.release) else 1
