"""Language models whose layers are of several kinds, told by a pattern: Nemotron-H's Mamba, attention and MLP layers.

Written after transformers 5.24.0, models/nemotron_h/modeling_nemotron_h.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.memory.attention import Attention, pattern_of
from doctor.memory.layout import Section
from doctor.memory.pieces import Piece, linear, other


def hybrid(text: Section, shape: Attention) -> Iterator[Piece]:
    """The layers of a model with a `hybrid_override_pattern`: `M` Mamba, `*` attention, `-` MLP, `E` experts."""
    pattern, hidden = pattern_of(text), shape.hidden
    yield other("layers.{}.norm", hidden, len(pattern))
    yield from _mamba(text, hidden, pattern.count("M"))
    many, stem = pattern.count("*"), "layers.{}.mixer"
    yield linear(f"{stem}.q_proj", hidden, shape.heads * shape.head_dim, many)
    for name in ("k_proj", "v_proj"):
        yield linear(f"{stem}.{name}", hidden, shape.kv_heads * shape.head_dim, many, share="kv")
    yield linear(f"{stem}.o_proj", shape.heads * shape.head_dim, hidden, many)
    yield from _two(f"{stem}.mlp", hidden, shape.intermediate, pattern.count("-"))
    if sparse := pattern.count("E"):
        experts, width = text.whole("n_routed_experts"), text.whole("moe_intermediate_size")
        for piece in _two(f"{stem}.experts", hidden, width, sparse):
            yield Piece(piece.name, piece.part, piece.count, piece.n_in, 0, sparse, max(experts, 1))
        yield from _two(f"{stem}.shared_experts", hidden, text.whole("moe_shared_expert_intermediate_size"), sparse)
        yield linear(f"{stem}.gate", hidden, experts, sparse, share="whole")


def _mamba(text: Section, hidden: int, many: int) -> Iterator[Piece]:
    heads, state = text.whole("mamba_num_heads"), state_of(text)
    wide, stem = heads * text.whole("mamba_head_dim"), "layers.{}.mixer"
    yield linear(f"{stem}.in_proj", hidden, 2 * wide + 2 * state + heads, many)
    yield linear(f"{stem}.out_proj", wide, hidden, many)
    kernel = text.whole("conv_kernel", default=4)
    yield other(f"{stem}.conv1d", (wide + 2 * state) * (kernel + 1) + 3 * heads + wide, many)


def state_of(text: Section) -> int:
    """Numbers of the state of all groups, by the class's defaults where config.json does not tell."""
    return text.whole("n_groups", default=8) * text.whole("ssm_state_size", default=128)


def _two(stem: str, hidden: int, width: int, times: int) -> Iterator[Piece]:
    """An MLP without a gate."""
    yield linear(f"{stem}.up_proj", hidden, width, times)
    yield linear(f"{stem}.down_proj", width, hidden, times)


def convolved(text: Section, hidden: int, many: int) -> Iterator[Piece]:
    """LFM2's short convolutions; transformers 5.24.0, models/lfm2/modeling_lfm2.py."""
    yield linear("layers.{}.conv.in_proj", hidden, 3 * hidden, many)
    yield linear("layers.{}.conv.out_proj", hidden, hidden, many)
    yield other("layers.{}.conv.conv", hidden * text.whole("conv_L_cache", default=3), many)


def per_layer(text: Section, shape: Attention) -> Iterator[Piece]:
    """What Gemma 3n adds: an embedding for each layer, and what mixes four streams of it in.

    transformers 5.24.0, models/gemma3n/modeling_gemma3n.py.
    """
    width, hidden, layers = text.whole("hidden_size_per_layer_input"), shape.hidden, shape.layers
    streams, rank = text.whole("altup_num_inputs", default=4), text.whole("laurel_rank", default=64)
    rows = text.whole("vocab_size_per_layer_input") or shape.vocabulary
    yield Piece("embed_tokens_per_layer", "embedding", rows * layers * width)
    yield linear("per_layer_model_projection", hidden, layers * width, share="whole")
    yield linear("altup_projections", hidden, hidden, 2 * (streams - 1), share="whole")
    yield linear("layers.{}.per_layer", hidden, 2 * width, layers, share="whole")
    yield linear("layers.{}.laurel", hidden, 2 * rank, layers, share="whole")
    yield other("layers.{}.altup", hidden * (streams + 5), layers)
