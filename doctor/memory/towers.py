"""The tensors of a vision tower with what joins it to the language model, from its configuration.

Written after transformers' modeling files (5.23.0), and for the first Qwen-VL, InternVLChat and MiniCPM-V after the
code that comes with the models. `tower` answers None for a kind that is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.memory.attention import Attention
from doctor.memory.blocks import VISION, Layers, Tower, blocks, patches, projection
from doctor.memory.hearing import ears
from doctor.memory.layout import Layout, Section
from doctor.memory.pieces import Piece, other

DEEP_ENCODER = "deeplip_b_l"  # DeepSeek-OCR calls itself `deepseek_vl_v2`, whose tower is another


def tower(found: Layout, shape: Attention) -> tuple[Piece, ...] | None:
    """All pieces of the vision side; empty for a text-only model, None where the kind is not known."""
    from doctor.memory.encoders import ENCODERS, JOINTS
    from doctor.memory.newer import FAMILIES, deep_encoder

    kind, family = found.vision.type, found.model_type
    if not found.vision:
        return None if family in JOINTS or family in FAMILIES else ()
    if family in FAMILIES:
        return tuple(FAMILIES[family](found, shape))
    if found.vision.get("model_name") == DEEP_ENCODER:
        return tuple(deep_encoder(found, shape))
    known = QWEN.get(kind) or QWEN.get(family) if family.startswith("qwen") else None
    if known is not None:
        return (*known(found, shape), *ears(found, shape.hidden))
    encoder, joint = ENCODERS.get(kind), JOINTS.get(family)
    if encoder is None or joint is None:
        return None
    return (*encoder(found, shape), *joint(found, shape), *ears(found, shape.hidden))


def _qwen_patches(vision: Section, width: int, *, bias: bool) -> Piece:
    return patches(vision, width, bias=bias, frames=vision.whole("temporal_patch_size", default=2) or 2)


def _merger(width: int, out: int, merge: int, norm: int, times: int = 1, name: str = "merger") -> Iterator[Piece]:
    wide = width * merge * merge
    yield other(f"visual.{name}.norm", norm, times, part=VISION)
    yield projection(f"visual.{name}.linear_fc1", wide, wide, times, bias=True)
    yield projection(f"visual.{name}.linear_fc2", wide, out, times, bias=True)


def _qwen2(found: Layout, shape: Attention) -> Iterator[Piece]:
    vision = found.vision
    width, depth = vision.whole("embed_dim"), vision.whole("depth")
    yield _qwen_patches(vision, width, bias=False)
    yield from blocks("visual.blocks.{}", Layers(width, int(width * vision.real("mlp_ratio", default=4)), depth))
    merge = vision.whole("spatial_merge_size", default=2)
    yield from _merger(width, vision.whole("hidden_size") or shape.hidden, merge, 2 * width)


def _qwen2_5(found: Layout, shape: Attention) -> Iterator[Piece]:
    vision = found.vision
    width, depth = vision.whole("hidden_size"), vision.whole("depth")
    yield _qwen_patches(vision, width, bias=False)
    yield from blocks("visual.blocks.{}", Layers(width, vision.whole("intermediate_size"), depth, norm=1, gated=True))
    merge = vision.whole("spatial_merge_size", default=2)
    yield from _merger(width, vision.whole("out_hidden_size") or shape.hidden, merge, width)


def _qwen3(found: Layout, shape: Attention) -> Iterator[Piece]:
    vision = found.vision
    width, depth = vision.whole("hidden_size"), vision.whole("depth", "num_hidden_layers")
    merge, out = vision.whole("spatial_merge_size", default=2), vision.whole("out_hidden_size") or shape.hidden
    yield _qwen_patches(vision, width, bias=True)
    yield other("visual.pos_embed", vision.whole("num_position_embeddings") * width, part=VISION)
    yield from blocks("visual.blocks.{}", Layers(width, vision.whole("intermediate_size"), depth))
    yield from _merger(width, out, merge, 2 * width)
    deep = vision.get("deepstack_visual_indexes")
    if isinstance(deep, (list, tuple)) and deep:
        yield from _merger(width, out, merge, 2 * width * merge * merge, min(len(deep), depth), "deepstack_merger_list")


def _qwen1(found: Layout, shape: Attention) -> Iterator[Piece]:
    """The first Qwen-VL: ViT-bigG and a resampler of 256 queries, both from the model's own `visual.py`."""
    vision = found.vision
    width, depth = vision.whole("width"), vision.whole("layers")
    out, queries = vision.whole("output_dim") or shape.hidden, vision.whole("n_queries", default=256)
    yield patches(vision, width, bias=False)
    yield other("visual.positional_embedding", 256 * width + 2 * width, part=VISION)  # and ln_pre
    inner = int(width * vision.real("mlp_ratio", default=4))
    yield from blocks("visual.transformer.resblocks.{}", Layers(width, inner, depth))
    yield projection("visual.attn_pool.kv_proj", width, out)
    yield projection("visual.attn_pool.attn.in_proj", out, 3 * out, bias=True)
    yield projection("visual.attn_pool.attn.out_proj", out, out, bias=True)
    yield other("visual.attn_pool.query", 2 * queries * out + 6 * out, part=VISION)  # query, positions, three norms
    yield other("visual.proj", out * out, part=VISION)


QWEN: dict[str, Tower] = {
    "qwen2_vl_vision": _qwen2, "qwen2_5_vl_vision": _qwen2_5, "qwen3_vl_vision": _qwen3, "qwen3_vl_moe_vision": _qwen3,
    "qwen3_5_vision": _qwen3, "qwen3_5_moe_vision": _qwen3, "qwen": _qwen1,
    "qwen2_5_omni_vision_encoder": _qwen2_5, "qwen3_omni_moe_vision_encoder": _qwen3,
}  # fmt: skip
