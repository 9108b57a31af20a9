"""What an engine sets aside for LoRA adapters on each GPU before it sizes its cache.

vllm 0.11.0 to 0.33.0, lora/layers: create_lora_weights() of each linear layer, for `max_loras` adapters of
`max_lora_rank`, counted among the weights; sglang 0.4.4 to 0.5.23, lora/mem_pool.py: get_lora_A_shape() and
get_lora_B_shape(), for the modules that its adapters have; lmdeploy 0.18.0, pytorch/models/patch.py: add_adapters(),
the sum of all ranks.
"""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.cache import stage
from doctor.memory.divided import Divided
from doctor.memory.pieces import Piece

ROWS = ("o_proj", "down_proj", "out_proj")  # tensor parallelism divides what comes in, not what goes out
BYTES = 2
RANKS = (8, 64)  # of adapters whose files were not read


@dataclass(frozen=True, slots=True)
class Ranked:
    """Numbers of all adapted layers of a model for each rank of one adapter.

    `whole` stay so on each GPU, `split` and `kept` are divided, the last by no more than the key-value heads; of
    experts `outer` are the ends that stay whole and `inner` those that are divided with their width.
    """

    whole: float = 0.0
    split: float = 0.0
    kept: float = 0.0
    outer: float = 0.0
    inner: float = 0.0
    layers: int = 1


def ranked(pieces: Iterable[Piece], layers: int) -> Ranked:
    """Of the linear layers of a language model with so many layers."""
    whole = split = kept = outer = inner = 0.0
    for piece in pieces:
        if piece.part != "layers" or not piece.n_in:
            continue
        many, row = piece.times * piece.copies, piece.name.endswith(ROWS)
        near, far = (piece.n_out, piece.n_in) if row else (piece.n_in, piece.n_out)
        if piece.copies > 1:
            outer, inner = outer + near * many, inner + far * many
        elif piece.share == "whole":
            whole += (near + far) * many
        elif piece.share == "kv":
            whole, kept = whole + near * many, kept + far * many
        else:
            whole, split = whole + near * many, split + far * many
    return Ranked(whole, split, kept, outer, inner, max(layers, 1))


def adapters(found: Ranked, asked: Settings, by: Divided, heads: int) -> tuple[int, int]:
    """Bytes on one GPU at least and at most; the two differ where the rank is not named."""
    if not asked.adapters:
        return 0, 0
    row = engine_row(asked.engine)
    divided = by.attention if asked.adapters_split else 1
    each = found.whole / divided + found.split / by.attention + found.kept / min(by.attention, max(heads, 1))
    if row.has("adapts_experts", asked.release, unknown=False):
        each += found.outer / (by.experts if asked.experts_apart else divided) + found.inner / by.experts
    numbers = asked.adapters * each * stage(found.layers, asked.pp) / found.layers * BYTES
    least, most = (asked.rank, asked.rank) if asked.rank else RANKS
    return int(numbers * least), int(numbers * most)
