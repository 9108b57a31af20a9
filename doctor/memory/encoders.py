"""Vision encoders that many families share (CLIP, SigLIP, InternViT, Pixtral, ...), and what joins them to the text."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.memory import joints
from doctor.memory.attention import Attention
from doctor.memory.blocks import VISION, Layers, Tower, blocks, cells, patches, projection
from doctor.memory.layout import Layout
from doctor.memory.pieces import Piece, other


def _width(found: Layout) -> tuple[int, int, int]:
    vision = found.vision
    layers = vision.whole("num_hidden_layers")
    return vision.whole("hidden_size"), vision.whole("intermediate_size"), layers


def _clip(found: Layout, shape: Attention) -> Iterator[Piece]:
    width, inner, layers = _width(found)
    yield patches(found.vision, width, bias=False)
    yield other("vision_tower.embeddings", (cells(found.vision) + 2) * width + 4 * width, part=VISION)
    yield from blocks("vision_tower.encoder.layers.{}", Layers(width, inner, layers))


def _siglip(found: Layout, shape: Attention) -> Iterator[Piece]:
    width, inner, layers = _width(found)
    yield patches(found.vision, width, bias=True)
    yield other("vision_tower.embeddings", cells(found.vision) * width + 2 * width, part=VISION)
    yield from blocks("vision_tower.encoder.layers.{}", Layers(width, inner, layers))
    if found.vision.on("vision_use_head") and found.model_type not in ("minicpmv",):
        yield from blocks("vision_tower.head", Layers(width, inner, 1))
        yield other("vision_tower.head.probe", -width, part=VISION)  # one norm of two vectors, and the probe


def _intern_hf(found: Layout, shape: Attention) -> Iterator[Piece]:
    width, inner, layers = _width(found)
    vision = found.vision
    places = cells(found.vision) + 1 if vision.on("use_absolute_position_embeddings", default=True) else 0
    yield patches(vision, width, bias=True)
    yield other("vision_tower.embeddings", (places + 1) * width, part=VISION)
    norm = 1 if vision.get("norm_type") == "rms_norm" else 2
    plain = Layers(width, inner, layers, qkv_bias=vision.on("attention_bias"), norm=norm)
    yield from blocks("vision_tower.encoder.layer.{}", plain)
    scales = 2 + (2 if vision.on("use_qk_norm") else 0)
    yield other("vision_tower.encoder.layer.{}.scales", scales * width, layers, part=VISION)


def _intern_chat(found: Layout, shape: Attention) -> Iterator[Piece]:
    """InternViT, 300M or 6B, as InternVLChat's own code has it."""
    width, inner, layers = _width(found)
    vision = found.vision
    yield patches(vision, width, bias=True)
    yield other("vision_model.embeddings", (cells(found.vision) + 2) * width, part=VISION)
    norm = 1 if vision.get("norm_type") in (None, "rms_norm") else 2
    plain = Layers(width, inner, layers, qkv_bias=vision.on("qkv_bias"), norm=norm)
    yield from blocks("vision_model.encoder.layers.{}", plain)
    scales = 2 + (2 if vision.on("qk_normalization", default=True) else 0)
    yield other("vision_model.encoder.layers.{}.ls", scales * width, layers, part=VISION)


def _pixtral(found: Layout, shape: Attention) -> Iterator[Piece]:
    width, inner, layers = _width(found)
    yield patches(found.vision, width, bias=False)
    yield other("vision_tower.ln_pre", width, part=VISION)
    gated = Layers(width, inner, layers, bias=False, norm=1, gated=True)
    yield from blocks("vision_tower.transformer.layers.{}", gated)


def _mllama(found: Layout, shape: Attention) -> Iterator[Piece]:
    width, inner, layers = _width(found)
    vision = found.vision
    deep, tiles = vision.whole("num_global_layers"), vision.whole("max_num_tiles", default=4)
    ratios = vision.get("supported_aspect_ratios")
    kinds = (len(ratios) if isinstance(ratios, list) else 8) + 1
    places = cells(found.vision) + 1
    yield patches(vision, width, bias=False)
    yield other("vision_model.embeddings", (5 + places) * width + kinds * tiles * (places + 2) * width + 3, part=VISION)
    for name, many in (("transformer", layers), ("global_transformer", deep)):
        yield from blocks(f"vision_model.{name}.layers.{{}}", Layers(width, inner, many, bias=True, qkv_bias=False))
        yield other(f"vision_model.{name}.no_bias", -width, many, part=VISION)  # its output matrix has none
    yield other("vision_model.gates", 2 * deep, part=VISION)


def _glm4v(found: Layout, shape: Attention) -> Iterator[Piece]:
    """GLM-4.1V and 4.5V, with what joins it to the text."""
    vision, width = found.vision, found.vision.whole("hidden_size")
    out, depth = vision.whole("out_hidden_size"), vision.whole("depth")
    merge, inner = vision.whole("spatial_merge_size", default=2), vision.whole("intermediate_size")
    yield patches(vision, width, bias=True, frames=vision.whole("temporal_patch_size", default=2) or 2)
    yield other("visual.embeddings", cells(found.vision) * width + 2 * width, part=VISION)
    biased = vision.on("attention_bias")
    gated = Layers(width, out, depth, bias=False, qkv_bias=biased, norm=1, gated=True)
    yield from blocks("visual.blocks.{}", gated)
    yield other("visual.downsample", width * out * merge * merge + out, part=VISION)
    yield projection("visual.merger.proj", out, out)
    yield other("visual.merger.norm", 2 * out, part=VISION)
    yield projection("visual.merger.gate_up", out, 2 * inner)
    yield projection("visual.merger.down_proj", inner, out)


def _minicpm4_6(found: Layout, shape: Attention) -> Iterator[Piece]:
    """MiniCPM-V 4.6 and 4.7: SigLIP with a merger of windows between its layers, and a projector of some steps."""
    width, inner, _ = _width(found)
    yield from _siglip(found, shape)
    yield projection("vpm.vit_merger.self_attn.qkv", width, 3 * width, bias=True)
    yield projection("vpm.vit_merger.self_attn.out_proj", width, width, bias=True)
    window = found.vision.get("window_kernel_size")
    cells = window[0] * window[1] if _pair(window) else 4
    yield projection("vpm.vit_merger.linear_1", width * cells, inner * cells, bias=True)
    yield projection("vpm.vit_merger.linear_2", inner * cells, width, bias=True)
    yield other("vpm.vit_merger.norms", 2 * width + 2 * width * cells, part=VISION)
    times, wide = max(found.outer.whole("merger_times", default=1), 1), 4 * width
    for name, many, out in (("mlp", times - 1, width), ("last", 1, shape.hidden)):
        yield projection(f"merger.{name}.linear_1", wide, wide, many, bias=True)
        yield projection(f"merger.{name}.linear_2", wide, out, many, bias=True)
        yield other(f"merger.{name}.pre_norm", 2 * wide, many, part=VISION)


def _pair(found: object) -> bool:
    pair = found if isinstance(found, (list, tuple)) else ()
    return len(pair) == 2 and all(isinstance(n, int) and 0 < n < 64 for n in pair)


def _nothing(found: Layout, shape: Attention) -> Iterator[Piece]:
    """The encoder above counts the joint already."""
    yield from ()


def _two_layers(found: Layout, shape: Attention) -> Iterator[Piece]:
    """LLaVA's projector."""
    bias = found.outer.on("multimodal_projector_bias", default=True)
    chosen = found.outer.get("vision_feature_layer")
    many = len(chosen) if isinstance(chosen, list) else 1
    wide = found.vision.whole("hidden_size") * many
    yield projection("multi_modal_projector.linear_1", wide, shape.hidden, bias=bias)
    yield projection("multi_modal_projector.linear_2", shape.hidden, shape.hidden, bias=bias)


def _newline(found: Layout, shape: Attention) -> Iterator[Piece]:
    yield from _two_layers(found, shape)
    yield other("image_newline", shape.hidden, part=VISION)


def _shuffled(found: Layout, shape: Attention) -> Iterator[Piece]:
    """InternVL: four neighbours become one, then a norm and two matrices."""
    ratio = found.outer.real("downsample_ratio", default=0.5) or 0.5
    wide = found.vision.whole("hidden_size") * int(1 / min(max(ratio, 0.05), 1)) ** 2
    yield other("mlp1.0", 2 * wide, part=VISION)
    yield projection("mlp1.1", wide, shape.hidden, bias=True)
    yield projection("mlp1.3", shape.hidden, shape.hidden, bias=True)


def _gemma3(found: Layout, shape: Attention) -> Iterator[Piece]:
    width = found.vision.whole("hidden_size")
    yield other("multi_modal_projector", width * shape.hidden + width, part=VISION)


def _paligemma(found: Layout, shape: Attention) -> Iterator[Piece]:
    out = found.vision.whole("projection_dim") or shape.hidden
    yield projection("multi_modal_projector.linear", found.vision.whole("hidden_size"), out, bias=True)


def _idefics3(found: Layout, shape: Attention) -> Iterator[Piece]:
    scale = found.outer.whole("scale_factor", default=2)
    wide = found.vision.whole("hidden_size") * scale * scale
    yield projection("connector.modality_projection.proj", wide, shape.hidden)


def _mistral3(found: Layout, shape: Attention) -> Iterator[Piece]:
    width, merge = found.vision.whole("hidden_size"), found.outer.whole("spatial_merge_size", default=2)
    yield projection("multi_modal_projector.patch_merger", width * merge * merge, width)
    yield other("multi_modal_projector.norm", width, part=VISION)
    bias = found.outer.on("multimodal_projector_bias")
    yield projection("multi_modal_projector.linear_1", width, shape.hidden, bias=bias)
    yield projection("multi_modal_projector.linear_2", shape.hidden, shape.hidden, bias=bias)


def _mllama_joint(found: Layout, shape: Attention) -> Iterator[Piece]:
    wide = found.vision.whole("vision_output_dim")
    yield projection("multi_modal_projector", wide, shape.hidden, bias=True)


def _resampler(found: Layout, shape: Attention) -> Iterator[Piece]:
    """MiniCPM-V up to 4: queries that attend to the picture. Its positions are computed, not stored."""
    width, hidden = found.vision.whole("hidden_size"), shape.hidden
    queries = found.outer.whole("query_num", default=64)
    yield projection("resampler.kv_proj", width, hidden)
    yield projection("resampler.attn.in_proj", hidden, 3 * hidden, bias=True)
    yield projection("resampler.attn.out_proj", hidden, hidden, bias=True)
    yield other("resampler.proj", hidden * hidden + queries * hidden + 6 * hidden, part=VISION)


ENCODERS: dict[str, Tower] = {
    "clip_vision_model": _clip, "siglip_vision_model": _siglip, "siglip": _siglip, "idefics3_vision": _siglip,
    "smolvlm_vision": _siglip, "idefics3": _siglip, "internvl_vision": _intern_hf, "intern_vit_6b": _intern_chat,
    "pixtral": _pixtral, "mllama_vision_model": _mllama, "glm4v_vision": _glm4v, "glm4v_moe_vision": _glm4v,
    "minicpmv4_6_vision": _minicpm4_6, "minicpmv4_7_vision": _minicpm4_6, "paddleocr_vl_vision": joints.navit,
    "Keye": joints.navit, "siglip2_vision_model": _siglip, "siglip2_navit": joints.navit, "idefics2": _siglip,
    "idefics2_vision": _siglip, "gemma3n_vision": joints.mobilenet, "radio": joints.radio,
}  # fmt: skip
JOINTS: dict[str, Tower] = {
    "llava": _two_layers, "vipllava": _two_layers, "llava_next": _newline, "llava_next_video": _newline,
    "llava_onevision": _newline, "internvl": _shuffled, "internvl_chat": _shuffled, "gemma3": _gemma3,
    "paligemma": _paligemma, "idefics3": _idefics3, "smolvlm": _idefics3, "mistral3": _mistral3,
    "mllama": _mllama_joint, "minicpmv": _resampler, "glm4v": _nothing, "glm4v_moe": _nothing, "glm46v": _nothing,
    "minicpmv4_6": _nothing, "minicpmv4_7": _nothing, "minicpmo": _resampler, "paddleocr_vl": joints.merged,
    "KeyeVL": joints.merged, "aya_vision": joints.aya, "lfm2_vl": joints.lfm2, "idefics2": joints.idefics2,
    "ovis2_5": joints.ovis, "gemma3n": _nothing, "NemotronH_Nano_VL_V2": _nothing,
}  # fmt: skip
