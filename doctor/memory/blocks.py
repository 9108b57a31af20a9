"""The parts that every vision tower is built of: plain transformer layers and the patches that feed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from doctor.base.record import dataclass
from doctor.memory.attention import Attention
from doctor.memory.layout import Layout, Section
from doctor.memory.pieces import Part, Piece, other

VISION: Part = "vision"
Tower = Callable[[Layout, Attention], Iterator[Piece]]


@dataclass(frozen=True)
class Layers:
    """`many` plain transformer layers of `width`, with an MLP of `inner`: two matrices, three where it is `gated`.

    `norm` is the number of vectors of one norm; `qkv_bias` is as `bias` where it is None.
    """

    width: int
    inner: int
    many: int
    bias: bool = True
    qkv_bias: bool | None = None
    norm: int = 2
    gated: bool = False


def projection(name: str, n_in: int, n_out: int, times: int = 1, *, bias: bool = False) -> Piece:
    """A linear layer of the vision side."""
    return Piece(name, VISION, n_in * n_out, n_in, n_out if bias else 0, times)


def blocks(stem: str, layers: Layers) -> Iterator[Piece]:
    """Attention, two norms and an MLP of each layer."""
    width, inner, many = layers.width, layers.inner, layers.many
    qkv = layers.bias if layers.qkv_bias is None else layers.qkv_bias
    yield projection(f"{stem}.attn.qkv", width, 3 * width, many, bias=qkv)
    yield projection(f"{stem}.attn.proj", width, width, many, bias=layers.bias)
    yield projection(f"{stem}.mlp.fc1", width, inner * (2 if layers.gated else 1), many, bias=layers.bias)
    yield projection(f"{stem}.mlp.fc2", inner, width, many, bias=layers.bias)
    yield other(f"{stem}.norms", 2 * layers.norm * width, many, part=VISION)


def cells(vision: Section, side: int = 0) -> int:
    """How many patches a picture of the tower's one size has; `side` is that size where the configuration says none."""
    return (vision.whole("image_size", default=side) // (vision.whole("patch_size", default=14) or 14)) ** 2


def patches(vision: Section, width: int, *, bias: bool, frames: int = 1) -> Piece:
    """The convolution that turns patches of pixels into vectors."""
    size = vision.whole("patch_size", "spatial_patch_size", default=14)
    channels = vision.whole("in_channels", "num_channels", default=3) or 3
    return other("visual.patch_embed", width * (channels * size * size * frames + bias), part=VISION)
