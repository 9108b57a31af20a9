"""How many bytes the tensors take as they are stored: 16 bit, packed integers with their scales, FP8."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.record import dataclass
from doctor.facts.model import Quantization, QuantizationGroup
from doctor.memory.ignored import Ignored
from doctor.memory.pieces import Part, Piece

DTYPES = {"float32": 4.0, "float": 4.0, "float16": 2.0, "half": 2.0, "bfloat16": 2.0, "float64": 8.0}
INDEX, SCALE = 4, 2


@dataclass(frozen=True, slots=True)
class Scheme:
    """How the weight of one linear layer is stored.

    `bits` of a weight; `group` inputs share a scale of `scale` bytes (0: a whole output does), `block` is the
    shape of an FP8 block; `zeros`: a zero point of `bits` beside each scale; `index`: GPTQ's order of the inputs.
    `parts` are those of the model that it is for; where the quantiser packs all linear layers, the vision tower too.
    `biases`: a bias is written for every layer, of zeros where the model has none.
    """

    bits: float
    group: int = 0
    block: tuple[int, int] | None = None
    zeros: bool = False
    index: bool = False
    scale: int = SCALE
    parts: tuple[Part, ...] = ("layers",)
    routers: bool = False
    biases: bool = False

    def takes(self, piece: Piece) -> bool:
        """Whether it is meant for this piece."""
        router = piece.name.endswith((".gate", "_gate")) and not self.routers
        return bool(piece.n_in) and piece.part in self.parts and not router

    def bytes_of(self, piece: Piece) -> float:
        """Of one weight, without the bias that the model itself has."""
        n_in, n_out = piece.n_in, piece.n_out
        size = piece.count * self.bits / 8 + (SCALE * n_out if self.biases and not piece.bias else 0)
        if self.block:
            return size + -(-n_in // self.block[1]) * -(-n_out // self.block[0]) * self.scale
        groups = -(-n_in // self.group) if self.group > 0 else 1
        size += groups * n_out * self.scale
        if self.zeros:
            size += groups * n_out * self.bits / 8
        return size + (n_in * INDEX if self.index else 0)


def scheme(found: Quantization | None, text: str = "") -> Scheme | None:
    """The scheme of a checkpoint's quantisation; None where there is none, or where its method is not known here.

    `text` is the language model's type: the tool that packed Qwen's first generation wrote a bias for every layer.
    """
    if found is None:
        return None
    method = found.method.lower().replace("-", "_")
    group = found.groups[0] if found.groups else _plain_group(found)
    if method in ("gptq", "gptq_marlin", "gptqmodel"):
        return Scheme(group.bits or 4, _group(group, 128), zeros=True, index=True, parts=_parts(found),
                      biases=text == "qwen")  # fmt: skip
    if method in ("awq", "awq_marlin", "awq_gemm"):
        return Scheme(group.bits or 4, _group(group, 128), zeros=group.symmetric is not True, parts=_parts(found))
    if method in ("auto_round", "autoround", "inc"):
        return Scheme(group.bits or 4, _group(group, 128), zeros=True, parts=_parts(found))
    if method in ("fp8", "fbgemm_fp8", "modelopt", "modelopt_fp8"):
        block = group.block or ((128, 128) if method == "fp8" and "weight_block_size" in found.settings else None)
        return Scheme(8, 0, block, scale=4, parts=("layers", "vision"))
    if method == "compressed_tensors" or (not method and found.groups):
        return _compressed(group)
    return _by_name(method, found)


def _by_name(method: str, found: Quantization) -> Scheme | None:
    """Methods that are told by their name: bitsandbytes, MXFP4, 8-bit integers, torchao."""
    if method in ("bitsandbytes", "bnb"):
        if found.settings.get("load_in_8bit") is True or found.settings.get("_load_in_8bit") is True:
            return Scheme(8, scale=4, parts=("layers", "vision"))
        return Scheme(4, 64, scale=1, parts=("layers", "vision"))
    if method == "mxfp4":
        return Scheme(4, 32, scale=1)
    if method in ("w8a8", "w8a8_int8", "smooth_quant", "experts_int8", "w8a8_fp8"):
        return Scheme(8, scale=4)
    return None


def _compressed(group: QuantizationGroup) -> Scheme:
    wide: tuple[Part, ...] = ("layers", "vision", "head")
    bits = group.bits or 8
    if group.strategy == "block" or group.block:
        return Scheme(bits, 0, group.block or (128, 128), parts=wide)
    size = group.group_size or 0
    return Scheme(bits, max(size, 0), zeros=group.symmetric is False, parts=wide)


def _plain_group(found: Quantization) -> QuantizationGroup:
    """The plain settings as a group, where nobody made one."""
    bits, size = found.settings.get("bits", found.settings.get("w_bit")), found.settings.get("group_size")
    symmetric, points = found.settings.get("sym"), found.settings.get("zero_point")
    return QuantizationGroup(
        bits if isinstance(bits, int) and 0 < bits <= 16 else None, "int",
        size if isinstance(size, int) and not isinstance(size, bool) else None,
        symmetric if isinstance(symmetric, bool) else not points if isinstance(points, bool) else None,
    )  # fmt: skip


def _group(group: QuantizationGroup, usual: int) -> int:
    return usual if group.group_size is None else max(group.group_size, 0)


def _parts(found: Quantization) -> tuple[Part, ...]:
    return ("layers", "head") if found.settings.get("lm_head") is True else ("layers",)


def online(method: str | None) -> Scheme | None:
    """What an engine makes of 16-bit weights while loading (`vllm --quantization fp8`), None where it does not."""
    name = (method or "").lower().replace("-", "_")
    if name in ("fp8", "fp8_per_tensor", "ptpc_fp8", "w8a8_fp8", "fp8_per_block"):
        return Scheme(8, scale=4)
    if name == "bitsandbytes":
        return Scheme(4, 64, scale=1)
    return Scheme(8, scale=4) if name in ("experts_int8", "w8a8_int8", "torchao") else None


def sizes(
    pieces: Iterable[Piece], plain: float, packed: Scheme | None = None, ignored: Ignored | None = None
) -> dict[Piece, float]:
    """Bytes of each piece, all its copies: `plain` bytes for a number that is not packed."""
    out: dict[Piece, float] = {}
    for piece in pieces:
        whole = (piece.count + piece.bias) * plain
        if packed is None or not packed.takes(piece):
            out[piece] = whole * piece.times * piece.copies
            continue
        left = ignored.of(piece) if ignored else 0
        each = packed.bytes_of(piece) + piece.bias * plain
        out[piece] = (each * (piece.times - left) + whole * left) * piece.copies
    return out


def bytes_of(dtype: str | None) -> float:
    """Bytes of one number of this type, two where it is not said."""
    return DTYPES.get((dtype or "").removeprefix("torch.").lower(), 2.0)
