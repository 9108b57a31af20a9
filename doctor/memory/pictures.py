"""How many tokens a picture takes, as the model's own processor counts them. Sizes are in pixels.

Written after transformers 5.20.2 (processing_*.py and image_processing_*.py of each family). What neither
preprocessor_config.json nor the command says is as in the published checkpoints of the family.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from doctor.base.record import dataclass
from doctor.memory.layout import Layout, Section

Counter = Callable[["Eye", int, int], int]
STEEPEST = 200  # longer against wide, the processors of Qwen and GLM refuse a picture
PLAIN_GRIDS = ((336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008))
WIDE_GRIDS = tuple((384 * rows, 384 * columns) for rows in range(1, 7) for columns in range(1, 7))


@dataclass(frozen=True, slots=True)
class Eye:
    """A model's configuration with what its processor is told: `given` is preprocessor_config.json, the command's words
    over it."""

    layout: Layout
    given: Mapping[str, Any]

    def whole(self, *names: str, default: int) -> int:
        """A whole number of the processor, of `size` where it stands there."""
        size = self.given.get("size")
        inside = Section("", size if isinstance(size, Mapping) else {})
        return Section("", self.given).whole(*names) or inside.whole(*names, default=default)

    @property
    def patch(self) -> int:
        """The side of a patch."""
        return max(self.layout.vision.whole("patch_size", "spatial_patch_size", default=14), 1)

    @property
    def token(self) -> int:
        """The side of a token, which is some patches wide."""
        return self.patch * max(self.layout.vision.whole("spatial_merge_size", default=2), 1)

    def side(self, usual: int) -> int:
        """The one size of picture that the tower takes; `usual` where the configuration says none."""
        return max(self.layout.vision.whole("image_size", default=usual), 1)


def tokens_of(layout: Layout, given: Mapping[str, Any], width: int, height: int) -> int | None:
    """Tokens of one picture in a request; None for a family that is not known here, or a picture that it refuses."""
    count = FAMILIES.get(layout.model_type)
    if count is None or not (0 < width < 1 << 20 and 0 < height < 1 << 20):
        return None
    try:
        return count(Eye(layout, given), width, height)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def _smart(eye: Eye, width: int, height: int, *, frames: int = 1, least: int, most: int) -> int:
    """Both sides rounded to whole tokens, the picture shrunk or grown to between `least` and `most` pixels."""
    factor = eye.token
    if max(width, height) > STEEPEST * min(width, height):
        raise ValueError("too steep")
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    area = frames * width * height
    if frames * rows * columns > most:
        beta = math.sqrt(area / most)
        rows, columns = (max(factor, math.floor(side / beta / factor) * factor) for side in (height, width))
    elif frames * rows * columns < least:
        beta = math.sqrt(least / area)
        rows, columns = (math.ceil(side * beta / factor) * factor for side in (height, width))
    return rows // factor * (columns // factor)


def _bounds(eye: Eye, least: int, most: int) -> dict[str, int]:
    return {
        "least": eye.whole("min_pixels", "shortest_edge", default=least),
        "most": eye.whole("max_pixels", "longest_edge", default=most),
    }


def _qwen(eye: Eye, width: int, height: int) -> int:
    return _smart(eye, width, height, **_bounds(eye, 3136, 12_845_056))


def _qwen3(eye: Eye, width: int, height: int) -> int:
    return _smart(eye, width, height, **_bounds(eye, 65_536, 16_777_216))


def _glm(eye: Eye, width: int, height: int) -> int:
    """A still picture counts as two frames."""
    factor = eye.token
    if min(width, height) < factor:
        scale = max(factor / height, factor / width)
        width, height = int(width * scale), int(height * scale)
    return _smart(eye, width, height, frames=2, **_bounds(eye, 12_544, 9_633_792))


def _internvl(eye: Eye, width: int, height: int) -> int:
    """Tiles of one size, a small picture of the whole where there are several, and the marks before and behind."""
    side = eye.layout.outer.whole("force_image_size") or eye.side(448)
    ratio = eye.layout.outer.real("downsample_ratio", default=0.5)
    each = int((side // eye.patch * ratio) ** 2)
    most = eye.whole(
        "max_patches", "max_dynamic_patch", default=eye.layout.outer.whole("max_dynamic_patch", default=12)
    )
    columns, rows = _tiles(width, height, side, min(max(most, 1), 64))
    many = columns * rows
    return each * (many + (many > 1)) + 2


def _tiles(width: int, height: int, side: int, most: int) -> tuple[int, int]:
    """The grid whose shape is nearest; of equally near ones the largest that does not blow the picture up too far."""
    grids = [(c, r) for c in range(1, most + 1) for r in range(1, most + 1) if c * r <= most]
    best, nearest = (1, 1), math.inf
    for columns, rows in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        far = abs(width / height - columns / rows)
        larger = far == nearest and width * height > 0.5 * side * side * columns * rows
        if far < nearest or larger:
            best, nearest = (columns, rows), far
    return best


def _llava(eye: Eye, width: int, height: int) -> int:
    """One size, whatever the picture has."""
    return (eye.side(336) // eye.patch) ** 2


def _llava_next(eye: Eye, width: int, height: int) -> int:
    side = eye.side(336)
    cells = side // eye.patch
    rows, columns = _fitted(eye, width, height, side, PLAIN_GRIDS)
    return rows * columns + rows + cells * cells


def _llava_onevision(eye: Eye, width: int, height: int) -> int:
    """As LLaVA-NeXT, but shrunk again to nine times the whole picture's tokens."""
    side = eye.side(384)
    cells = side // eye.patch
    rows, columns = _fitted(eye, width, height, side, WIDE_GRIDS)
    ratio = math.sqrt(rows * columns / (9 * cells * cells))
    if ratio > 1.1:
        rows, columns = int(rows // ratio), int(columns // ratio)
    return rows * columns + rows + cells * cells


def _fitted(
    eye: Eye, width: int, height: int, side: int, usual: tuple[tuple[int, int], ...]
) -> tuple[int, int]:  # fmt: skip
    """Rows and columns of patches in the grid that wastes least, without its empty margins."""
    cells = side // eye.patch
    tall, wide = max(_grids(eye, usual), key=lambda grid: _worth(width, height, grid))
    rows, columns = cells * (tall // side), cells * (wide // side)
    if width / height > columns / rows:
        rows -= (rows - int(round(height * (columns / width), 7))) // 2 * 2
    else:
        columns -= (columns - int(round(width * (rows / height), 7))) // 2 * 2
    return rows, columns


def _grids(eye: Eye, usual: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    given = eye.layout.outer.get("image_grid_pinpoints")
    pairs = given[:100] if isinstance(given, list) else []
    found = [(p[0], p[1]) for p in pairs if isinstance(p, (list, tuple)) and len(p) == 2 and all(_side(n) for n in p)]
    return found or list(usual)


def _side(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number < 1 << 16


def _worth(width: int, height: int, grid: tuple[int, int]) -> tuple[int, int]:
    """Pixels of the picture that this grid keeps, and less of what is empty in it."""
    scale = min(grid[1] / width, grid[0] / height)
    kept = min(int(width * scale) * int(height * scale), width * height)
    return kept, kept - grid[0] * grid[1]


def _gemma(eye: Eye, width: int, height: int) -> int:
    return eye.layout.outer.whole("mm_tokens_per_image", default=256)


def _pixtral(eye: Eye, width: int, height: int) -> int:
    """Rows of tokens, each with a mark at its end."""
    factor = eye.patch * max(eye.layout.outer.whole("spatial_merge_size", default=1), 1)
    longest = eye.whole("longest_edge", default=eye.layout.vision.whole("image_size", default=1024))
    ratio = max(width, height) / longest
    if ratio > 1:
        width, height = math.floor(width / ratio), math.floor(height / ratio)
    columns, rows = -(-width // factor), -(-height // factor)
    return (columns + 1) * rows


FAMILIES: dict[str, Counter] = {
    "qwen2_vl": _qwen, "qwen2_5_vl": _qwen, "qwen2_5_omni": _qwen, "qwen3_vl": _qwen3, "qwen3_vl_moe": _qwen3,
    "qwen3_5": _qwen3, "qwen3_5_moe": _qwen3, "qwen3_omni_moe": _qwen3, "glm4v": _glm, "glm4v_moe": _glm,
    "glm46v": _glm, "internvl": _internvl, "internvl_chat": _internvl, "llava": _llava, "llava_next": _llava_next,
    "llava_onevision": _llava_onevision, "gemma3": _gemma, "mistral3": _pixtral,
}  # fmt: skip
