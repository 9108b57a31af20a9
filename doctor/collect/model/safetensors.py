"""The header of a safetensors file: which tensors it holds, and how long the file must be. No tensor is read.

The file begins with the header's length (8 bytes, little-endian), then the header as JSON; behind it the tensors lie
one after the other. Every number is checked: these files come from strangers.
"""

from __future__ import annotations

import math
from dataclasses import field
from typing import Any

from doctor.base.files import Unreadable
from doctor.base.record import dataclass
from doctor.collect.model.place import Place
from doctor.collect.model.plain import NotPlain, parse

FORMAT_LIMIT = 100 << 20  # longer headers are refused by the format's own library
HEADER_LIMIT = 24 << 20
POINTER = b"version https://git-lfs"
BITS = {
    "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F32": 32, "I32": 32, "U32": 32, "BF16": 16, "F16": 16, "I16": 16,
    "U16": 16, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I8": 8, "U8": 8,
    "BOOL": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip


class Damaged(ValueError):
    """A file that is no safetensors file; `kind` is pointer, truncated or damaged, the message one sentence."""

    def __init__(self, message: str, kind: str = "damaged") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class Header:
    """What a header tells: `expected` is the length of the whole file; tensors as name -> (dtype, bytes)."""

    expected: int
    tensors: dict[str, tuple[str, int]] = field(default_factory=dict)


def read_header(place: Place, name: str, size: int) -> Header:
    """The header of a file of `size` bytes. Raises Damaged, Unreadable."""
    start = place.head(name, 64)
    if start.startswith(POINTER):
        raise Damaged("is a git-lfs pointer, not the weights; run `git lfs pull`", "pointer")
    if len(start) < 8 or size < 8:
        raise Damaged(f"is {size} bytes long and contains no weights", "truncated")
    length = int.from_bytes(start[:8], "little")
    if not 2 <= length <= FORMAT_LIMIT or start[8:9] != b"{":
        raise Damaged("does not start like a safetensors file")
    if length + 8 > size:
        raise Damaged(f"is {size} bytes long, its header alone {length + 8}", "truncated")
    if length > HEADER_LIMIT:
        raise Unreadable(f"has a header of {length >> 20} MiB, of which {HEADER_LIMIT >> 20} are read")
    data = place.head(name, length + 8)
    if len(data) < length + 8:
        raise Unreadable("changed while it was read")
    return header(data[8:], length + 8)


def header(data: bytes, begin: int) -> Header:
    """The tensors of a header whose data begin at byte `begin` of the file. Raises Damaged."""
    try:
        found = parse(data)
    except NotPlain as error:
        raise Damaged(f"has a header that {error}") from None
    tensors: dict[str, tuple[str, int]] = {}
    spans: list[tuple[int, int]] = []
    for name, value in found.items():
        if name == "__metadata__":
            continue
        dtype, first, last = _tensor(value)
        tensors[name] = dtype, last - first
        if last > first:
            spans.append((first, last))
    end = 0
    for first, last in sorted(spans):
        if first != end:
            raise Damaged("has a header in which tensors overlap or leave gaps")
        end = last
    return Header(begin + end, tensors)


def _tensor(value: Any) -> tuple[str, int, int]:
    """Dtype and place of one tensor, checked against its shape."""
    dtype = value.get("dtype") if isinstance(value, dict) else None
    shape = _numbers(value.get("shape")) if isinstance(value, dict) else None
    place = _numbers(value.get("data_offsets")) if isinstance(value, dict) else None
    if not isinstance(dtype, str) or shape is None or place is None or len(place) != 2 or place[0] > place[1]:
        raise Damaged("has a header that does not describe tensors")
    bits = BITS.get(dtype)
    if bits is not None and math.prod(shape) * bits != (place[1] - place[0]) * 8:
        raise Damaged("has a header in which a tensor's place does not fit its shape")
    return dtype[:20], place[0], place[1]


def _numbers(value: Any) -> list[int] | None:
    """A short list of sizes, none of them beyond what a file can have."""
    if not isinstance(value, list) or len(value) > 64:
        return None
    return value if all(type(v) is int and 0 <= v < 1 << 60 for v in value) else None
