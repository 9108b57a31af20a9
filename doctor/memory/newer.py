"""Vision towers of 2025 and 2026, each counted whole: the encoder with what joins it to the text.

Written after transformers 5.20.2 (Llama 4, Kimi K2.5, Step 3.7, Molmo2, ERNIE 4.5 VL) and, for DeepSeek-OCR, Step3-VL,
Kimi-VL and dots.ocr, vllm 0.33.0 (model_executor/models: deepencoder.py, step_vl.py, kimi_vl.py, dots_ocr.py);
LLaVA-OneVision-1.5 after the code that comes with the model.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.memory.attention import Attention
from doctor.memory.blocks import VISION, Layers, Tower, blocks, cells, patches, projection
from doctor.memory.layout import Layout, Section
from doctor.memory.pieces import Piece, other

PERCEIVED = 8960 / 1536  # the class states an inner width beside it, which its own code replaces by this
SAM, CLIP = Layers(768, 3072, 12), Layers(1024, 4096, 24)  # DeepSeek-OCR's encoders have no sizes of their own choice
SAM_WINDOW, SAM_GRID, SAM_GLOBAL, SAM_HEAD = 14, 64, 4, 64


def _section(found: Layout, key: str) -> Section:
    given = found.outer.given.get(key)
    return Section("", given) if isinstance(given, dict) else Section("")


def llama4(found: Layout, shape: Attention) -> Iterator[Piece]:
    """A plain encoder, a shuffle of neighbors, two matrices, and one to the text."""
    vision = found.vision
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    ratio = min(max(vision.real("pixel_shuffle_ratio", default=0.5), 0.05), 1.0)
    middle, out = vision.whole("projector_input_dim"), vision.whole("projector_output_dim")
    yield patches(vision, width, bias=False)
    yield other("vision_model.embeddings", (cells(vision) + 6) * width, part=VISION)
    yield from blocks("vision_model.layers.{}", Layers(width, inner, vision.whole("num_hidden_layers")))
    yield projection("vision_model.vision_adapter.fc1", int(width / ratio**2), middle)
    yield projection("vision_model.vision_adapter.fc2", middle, out or middle)
    yield projection("multi_modal_projector", vision.whole("vision_output_dim"), shape.hidden)


def moonvit(found: Layout, shape: Attention) -> Iterator[Piece]:
    """Kimi-VL and Kimi K2.5: SigLIP with a grid of positions, four neighbors, two matrices."""
    vision = found.vision
    width = vision.whole("hidden_size", "vt_hidden_size")
    inner = vision.whole("intermediate_size", "vt_intermediate_size")
    rows = vision.whole("init_pos_emb_height", default=64) * vision.whole("init_pos_emb_width", default=64)
    yield patches(vision, width, bias=True)
    yield other("vision_tower.embeddings", (rows + 4) * width, part=VISION)
    layers = vision.whole("num_hidden_layers", "vt_num_hidden_layers")
    yield from blocks("vision_tower.encoder.blocks.{}", Layers(width, inner, layers))
    yield projection("multi_modal_projector.linear_1", 4 * width, 4 * width, bias=True)
    yield projection("multi_modal_projector.linear_2", 4 * width, shape.hidden, bias=True)


def perception(found: Layout, shape: Attention) -> Iterator[Piece]:
    """Step3-VL and Step 3.7: the perception encoder, two convolutions that halve the picture, one matrix."""
    vision = found.vision
    width, layers = vision.whole("hidden_size", "width"), vision.whole("num_hidden_layers", "layers")
    ratio = vision.real("mlp_ratio", default=PERCEIVED)
    inner = Section("", vision.given).whole("intermediate_size") or int(width * ratio)
    yield patches(vision, width, bias=False)
    yield other("vision_model.embeddings", (cells(vision, 728) + 2) * width, part=VISION)
    yield from blocks("vision_model.transformer.resblocks.{}", Layers(width, inner, layers))
    yield other("vision_model.transformer.resblocks.{}.ls", 2 * width, layers, part=VISION)
    yield other("vision_model.downsamplers", 9 * (2 + 8) * width * width + 6 * width, part=VISION)
    yield projection("vit_large_projector", 4 * width, shape.hidden, bias=found.outer.on("projector_bias"))


def molmo2(found: Layout, shape: Attention) -> Iterator[Piece]:
    """SigLIP up to the last layer that is looked at, pooled by attention, then a gated projector."""
    vision, adapter = found.vision, _section(found, "adapter_config")
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    chosen = adapter.get("vision_feature_layer", "vit_layers")
    seen = len(chosen) if isinstance(chosen, list) and 0 < len(chosen) < 9 else 2
    wide = adapter.whole("intermediate_size", default=18944)
    yield patches(vision, width, bias=True)
    yield other("vision_tower.positional_embedding", 729 * width, part=VISION)
    yield from blocks("vision_tower.layers.{}", Layers(width, inner, vision.whole("num_hidden_layers")))
    yield projection("image_pooling_2d.qkv", seen * width, 3 * width, bias=True)
    yield projection("image_pooling_2d.o_proj", width, width, bias=True)
    yield projection("image_projector.gate_up", width, 2 * wide)
    yield projection("image_projector.down_proj", wide, adapter.whole("text_hidden_size", default=3584))
    yield other("embed_tokens.added", 128 * shape.hidden, part=VISION)


def ernie(found: Layout, shape: Attention) -> Iterator[Piece]:
    """ERNIE 4.5 VL: Qwen2-VL's encoder, then neighbors in the picture and in time."""
    vision = found.vision
    width, depth, merge = vision.whole("hidden_size", "embed_dim"), vision.whole("depth"), 4
    inner = vision.whole("intermediate_size") or int(width * vision.real("mlp_ratio", default=4))
    yield patches(vision, width, bias=False)
    yield from blocks("vision_tower.blocks.{}", Layers(width, inner, depth))
    wide = width * merge
    for name, times in (("spatial", 1), ("temporal", 2)):
        yield projection(f"resampler_model.{name}_linear.fc1", times * wide, wide, bias=True)
        yield projection(f"resampler_model.{name}_linear.fc2", wide, wide, bias=True)
    yield projection("resampler_model.mlp", wide, shape.hidden, bias=True)
    yield other("resampler_model.norms", 2 * width + 4 * wide + shape.hidden, part=VISION)


def rice(found: Layout, shape: Attention) -> Iterator[Piece]:
    """LLaVA-OneVision-1.5: a plain encoder with a class vector, four neighbors, two matrices."""
    vision = found.vision
    width, inner = vision.whole("hidden_size", "embed_dim"), vision.whole("intermediate_size")
    wide = width * vision.whole("spatial_merge_size", default=2) ** 2
    yield patches(vision, width, bias=False)
    yield other("visual.embeddings", 6 * width, part=VISION)
    yield from blocks("visual.blocks.{}", Layers(width, inner, vision.whole("depth", "num_hidden_layers")))
    yield projection("visual.merger.mlp.0", wide, wide, bias=True)
    yield projection("visual.merger.mlp.2", wide, vision.whole("text_hidden_size") or shape.hidden, bias=True)


def dots(found: Layout, shape: Attention) -> Iterator[Piece]:
    """dots.ocr: gated layers without biases, four neighbors, two matrices."""
    vision = found.vision
    width, inner = vision.whole("embed_dim", "hidden_size"), vision.whole("intermediate_size")
    wide = width * vision.whole("spatial_merge_size", default=2) ** 2
    gated = Layers(width, inner, vision.whole("num_hidden_layers"), bias=vision.on("use_bias"), norm=1, gated=True)
    yield patches(vision, width, bias=True)
    yield from blocks("vision_tower.blocks.{}", gated)
    yield other("vision_tower.norms", 4 * width, part=VISION)
    yield projection("vision_tower.merger.mlp.0", wide, wide, bias=True)
    yield projection("vision_tower.merger.mlp.2", wide, shape.hidden, bias=True)


def deep_encoder(found: Layout, shape: Attention) -> Iterator[Piece]:
    """DeepSeek-OCR: SAM with a neck that shrinks the picture, then CLIP, then one matrix."""
    yield other("sam_model.patch_embed", SAM.width * (3 * 16 * 16 + 1 + SAM_GRID * SAM_GRID), part=VISION)
    yield from blocks("sam_model.blocks.{}", SAM)
    near, far = (2 * (2 * side - 1) * SAM_HEAD for side in (SAM_WINDOW, SAM_GRID))
    yield other("sam_model.rel_pos", (SAM.many - SAM_GLOBAL) * near + SAM_GLOBAL * far, part=VISION)
    neck = SAM.width * 256 + 9 * (256 * 256 + 256 * 512 + 512 * 1024) + 4 * 256
    yield other("sam_model.neck", neck, part=VISION)
    yield other("vision_model.embeddings", CLIP.width * (3 * 14 * 14 + 257 + 3), part=VISION)
    yield from blocks("vision_model.transformer.layers.{}", CLIP)
    joint = _section(found, "projector_config")
    out = joint.whole("n_embed", default=shape.hidden)
    yield projection("projector.layers", joint.whole("input_dim", default=2048), out, bias=True)
    yield other("image_newline", 2 * out, part=VISION)


FAMILIES: dict[str, Tower] = {
    "llama4": llama4, "kimi_vl": moonvit, "kimi_k25": moonvit, "step3_vl": perception, "step3p7": perception,
    "molmo2": molmo2, "ernie4_5_vl_moe": ernie, "ernie4_5_moe_vl": ernie, "llavaonevision1_5": rice, "dots_ocr": dots,
}  # fmt: skip
