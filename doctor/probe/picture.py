"""A small picture of one colored shape on white, as a PNG file of our own."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable

PIXELS = 224  # the least that common vision towers take without enlarging
COLORS = {"red": (220, 20, 20), "green": (20, 160, 40), "blue": (20, 60, 220), "yellow": (250, 220, 20)}
NAMES = {"circle": ("circle", "round", "disc", "disk", "dot", "ball"), "square": ("square", "rectangle", "box"),
         "triangle": ("triangle", "triangular", "pyramid")}  # fmt: skip
_WHITE = b"\xff\xff\xff"
# whether a point belongs to the shape; both numbers run from -1 to 1, the second one downwards
_INSIDE: dict[str, Callable[[float, float], bool]] = {
    "circle": lambda x, y: x * x + y * y <= 0.45,
    "square": lambda x, y: max(abs(x), abs(y)) <= 0.6,
    "triangle": lambda x, y: -0.65 <= y <= 0.65 and abs(x) <= (y + 0.65) / 1.7,
}


def png(color: str, shape: str) -> bytes:
    """The file: `PIXELS` by `PIXELS`, 8 bits of red, green and blue."""
    paint, inside = bytes(COLORS[color]), _INSIDE[shape]
    places = [(2 * n + 1) / PIXELS - 1 for n in range(PIXELS)]
    rows = b"".join(b"\0" + b"".join(paint if inside(x, y) else _WHITE for x in places) for y in places)
    head = struct.pack(">IIBBBBB", PIXELS, PIXELS, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def data_url(color: str, shape: str) -> str:
    """The file as what the API takes for a picture."""
    return "data:image/png;base64," + base64.b64encode(png(color, shape)).decode()


def named(answer: str, color: str, shape: str) -> tuple[bool, bool]:
    """Whether an answer names the color, and whether it names the shape: one that lists them all has seen nothing."""
    text = answer.lower()
    shapes = [kind for kind, names in NAMES.items() if any(name in text for name in names)]
    return [c for c in COLORS if c in text] == [color], shapes == [shape]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
