"""The parts that every vision tower is built of: plain transformer layers and the patches that feed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from doctor.memory.attention import Attention
from doctor.memory.layout import Layout, Section
from doctor.memory.pieces import Part, Piece, linear, other

VISION: Part = "vision"
Tower = Callable[[Layout, Attention], Iterator[Piece]]


def blocks(
    stem: str, width: int, inner: int, layers: int, *, bias: bool = True, qkv_bias: bool | None = None, norm: int = 2,
    gated: bool = False,
) -> Iterator[Piece]:  # fmt: skip
    """The layers of a plain transformer: attention, two norms of `norm` vectors, and an MLP of two matrices (three)."""
    qkv = bias if qkv_bias is None else qkv_bias
    yield linear(f"{stem}.attn.qkv", width, 3 * width, layers, bias=qkv, part=VISION)
    yield linear(f"{stem}.attn.proj", width, width, layers, bias=bias, part=VISION)
    yield linear(f"{stem}.mlp.fc1", width, inner * (2 if gated else 1), layers, bias=bias, part=VISION)
    yield linear(f"{stem}.mlp.fc2", inner, width, layers, bias=bias, part=VISION)
    yield other(f"{stem}.norms", 2 * norm * width, layers, part=VISION)


def patches(vision: Section, width: int, *, bias: bool, frames: int = 1) -> Piece:
    """The convolution that turns patches of pixels into vectors."""
    size = vision.whole("patch_size", "spatial_patch_size", default=14)
    channels = vision.whole("in_channels", "num_channels", default=3) or 3
    return other("visual.patch_embed", width * (channels * size * size * frames + bias), part=VISION)
