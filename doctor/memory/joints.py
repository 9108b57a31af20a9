"""What joins SigLIP and its kin to the text where it is more than a matrix or two.

Written after transformers 5.24.0 (PaddleOCR-VL, Aya Vision, Idefics2, LFM2-VL, Gemma 3n) and, for Keye and Ovis2.5,
after vllm 0.33.0 (model_executor/models/keye.py, ovis2_5.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.memory.attention import Attention
from doctor.memory.blocks import VISION, Layers, blocks, cells, patches, projection
from doctor.memory.layout import Layout
from doctor.memory.pieces import Piece, other

PACKED = 32_768  # rows of a table of positions for pictures of any size
MOBILENET_V5 = 294_126_912  # parameters of Gemma 3n's encoder, which is timm's
RADIO = Layers(1280, 5120, 32)  # C-RADIOv2-H, which Nemotron's configuration names without its sizes


def navit(found: Layout, shape: Attention) -> Iterator[Piece]:
    """SigLIP for pictures of any size: PaddleOCR-VL, Keye.

    The published files hold a table of packed positions and a pooling head too. The class of transformers 5 has
    neither; a file that it saved names `rope_parameters`.
    """
    vision = found.vision
    width, inner = vision.whole("hidden_size"), vision.whole("intermediate_size")
    published = "rope_parameters" not in vision.given
    yield patches(vision, width, bias=True)
    yield other("visual.embeddings", (cells(vision, 384) + (PACKED if published else 0) + 2) * width, part=VISION)
    yield from blocks("visual.encoder.layers.{}", Layers(width, inner, vision.whole("num_hidden_layers")))
    if published:
        yield from blocks("visual.head", Layers(width, inner, 1))


def merged(found: Layout, shape: Attention) -> Iterator[Piece]:
    """Four neighbours, a norm and two matrices: PaddleOCR-VL, Keye."""
    width = found.vision.whole("hidden_size")
    yield other("projector.pre_norm", 2 * width, part=VISION)
    yield projection("projector.linear_1", 4 * width, 4 * width, bias=True)
    yield projection("projector.linear_2", 4 * width, shape.hidden, bias=True)


def aya(found: Layout, shape: Attention) -> Iterator[Piece]:
    """A gated projector over neighbours."""
    scale = found.outer.whole("downsample_factor", default=2)
    wide, inner = found.vision.whole("hidden_size") * scale * scale, found.outer.whole("alignment_intermediate_size")
    inner = inner or shape.hidden
    yield other("multi_modal_projector.layernorm", 2 * wide, part=VISION)
    yield projection("multi_modal_projector.linear_1", wide, inner, bias=True)
    yield projection("multi_modal_projector.linear_2", inner // 2, shape.hidden, bias=True)


def lfm2(found: Layout, shape: Attention) -> Iterator[Piece]:
    """A norm and two matrices over neighbours."""
    scale = found.outer.whole("downsample_factor", default=2)
    wide, inner = found.vision.whole("hidden_size") * scale * scale, found.outer.whole("projector_hidden_size")
    yield other("multi_modal_projector.layer_norm", 2 * wide, part=VISION)
    yield projection("multi_modal_projector.linear_1", wide, inner or 2560, bias=True)
    yield projection("multi_modal_projector.linear_2", inner or 2560, shape.hidden, bias=True)


def idefics2(found: Layout, shape: Attention) -> Iterator[Piece]:
    """A gated projection, and a resampler of three layers whose queries attend to the picture."""
    hidden = shape.hidden
    perceiver = found.outer.given.get("perceiver_config")
    given = perceiver if isinstance(perceiver, dict) else {}
    depth = given["resampler_depth"] if isinstance(given.get("resampler_depth"), int) else 3
    heads, kept, size = 16, 4, 96  # Idefics2PerceiverConfig
    yield projection("connector.modality_projection", found.vision.whole("hidden_size"), shape.intermediate, 2)
    yield projection("connector.modality_projection.down_proj", shape.intermediate, hidden)
    stem = "connector.perceiver_resampler.layers.{}"
    yield projection(f"{stem}.q_o", hidden, 2 * heads * size, depth)
    yield projection(f"{stem}.k_v", hidden, 2 * kept * size, depth)
    yield projection(f"{stem}.gate_up", hidden, 8 * hidden, depth)
    yield projection(f"{stem}.down_proj", 4 * hidden, hidden, depth)
    yield other("connector.perceiver_resampler.latents", 64 * hidden, part=VISION)


def ovis(found: Layout, shape: Attention) -> Iterator[Piece]:
    """Ovis2.5: a head that makes visual words of four neighbours, and the table of those words."""
    words = found.outer.whole("visual_vocab_size", default=65536)
    yield projection("visual_tokenizer.head", 4 * found.vision.whole("hidden_size"), words)
    yield other("vte", words * shape.hidden, part=VISION)


def mobilenet(found: Layout, shape: Attention) -> Iterator[Piece]:
    """Gemma 3n's encoder with what brings pictures to the text."""
    yield other("vision_tower.timm_model", MOBILENET_V5, part=VISION)
    yield projection("embed_vision.embedding_projection", 2048, shape.hidden)


def radio(found: Layout, shape: Attention) -> Iterator[Piece]:
    """Nemotron-Nano-VL: C-RADIO, and a projector over four neighbours."""
    yield patches(found.vision, RADIO.width, bias=False)
    yield from blocks("vision_model.radio_model.model.blocks.{}", RADIO)
    inner = found.outer.whole("projector_hidden_size") or 4 * shape.hidden
    yield projection("mlp1.1", 4 * RADIO.width, inner)
    yield projection("mlp1.3", inner, shape.hidden)
