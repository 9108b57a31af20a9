"""The vision tower at work: how many tokens of a picture or video the engine tries out, and bytes of each patch.

vllm 0.8.5 to 0.33.0, model_executor/models/qwen2_vl.py: get_image_size_with_most_features(), get_max_video_tokens();
qwen3_vl.py; multimodal/encoder_budget.py: _get_max_items() (v1/worker/utils.py and gpu_model_runner.py before 0.12).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Any

from doctor.base.record import dataclass
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.layout import Layout, Section

LARGEST = 16_384  # tokens of the largest picture of a family whose processor is not known here
VIDEOS = ("qwen2_vl", "qwen2_5_vl")
GATED = ("qwen2_5", "glm")  # towers whose MLP has two matrices in
WINDOWED = ("qwen2_5",)  # which keep more vectors of each patch: in another order, and what is added to them
PIXELS = 3 * 2 * 2  # bytes: three colors of two frames
# Pixels of the largest picture, and frames that one counts as
SMART: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen2_5_omni"), (12_845_056, 1)),
    **dict.fromkeys(("qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "qwen3_omni_moe"), (16_777_216, 1)),
    **dict.fromkeys(("glm4v", "glm4v_moe", "glm46v"), (9_633_792, 2)),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """What pictures are to a model.

    `patch` are the bytes of one patch at the tower's widest layer (0: not known) and `inside` those of its MLP, which
    GPUs share; `merge` patches become one token of a picture of any size, 0 for towers of one size of picture. `unit`
    are the pixels of a token and `pixels` those of the largest picture. `videos`: a long video is one item, as the
    processors of Qwen2-VL and Qwen2.5-VL have it; those of Qwen3-VL hold it to the pixels of a picture.
    """

    patch: int = 0
    inside: int = 0
    merge: int = 0
    unit: int = 1
    pixels: int = 0
    videos: bool = False

    def bytes_of(self, tokens: int, gpus: int = 1) -> float:
        """What the tower takes at its peak for so many tokens, on each of the GPUs that share it."""
        return tokens * self.merge * (self.patch + self.inside / max(gpus, 1))

    def image(self, asked: Settings) -> int:
        """Tokens of the largest picture; 0 where that is not known."""
        tokens = (asked.pixels or self.pixels) // self.unit
        square = engine_row(asked.engine).has("tries_square_images", asked.release, unknown=False)
        return isqrt(tokens) ** 2 if square else tokens

    def video(self, asked: Settings, context: int) -> int:
        """Tokens of the longest video: pairs of frames of the largest picture's size, as far as a request goes."""
        image, row = self.image(asked), engine_row(asked.engine)
        if not self.videos or not image:
            return image
        pairs = 8 if row.has("tries_more_frames", asked.release, unknown=False) else 7
        before = image if asked.images != 0 and row.has("tries_image_and_video", asked.release, unknown=False) else 0
        return image * max(min((context - before) // image, pairs), 1)


def sight(found: Layout, given: Mapping[str, Any]) -> Sight:
    """Of this configuration; `given` is what preprocessor_config.json says."""
    vision = found.vision
    wide = vision.whole("hidden_size", "embed_dim", "width")
    if vision.type.startswith("qwen2_vl"):
        wide = vision.whole("embed_dim")
    inner = vision.whole("intermediate_size") or int(wide * vision.real("mlp_ratio", default=4))
    if not wide:
        return Sight()
    merge = vision.whole("spatial_merge_size") if vision.whole("temporal_patch_size") else 0
    side = vision.whole("patch_size", "spatial_patch_size", default=14) or 14
    plain = 2 * (5 if vision.type.startswith(WINDOWED) else 3) * wide + (PIXELS * side * side if merge else 0)
    inside = 2 * inner * (3 if vision.type.startswith(GATED) else 2)
    most, frames = SMART.get(found.model_type, (0, 1))
    unit = frames * (side * max(merge, 1)) ** 2
    size = given.get("size")
    sized = Section("", size if isinstance(size, Mapping) else {})
    said = Section("", given).whole("max_pixels") or sized.whole("max_pixels", "longest_edge")
    pixels = (said or most) if most else LARGEST * unit
    return Sight(plain, inside, merge * merge, unit, pixels, found.model_type.startswith(VIDEOS))


def tried(found: Sight, asked: Settings, context: int, step: tuple[int, int]) -> int:
    """Tokens that the tower computes when the engine tries it out: as many of the largest item as make a step.

    `step` are tokens and requests at once.
    """
    image = found.image(asked) if asked.images != 0 else 0
    item = max(image, found.video(asked, context) if asked.videos != 0 else 0)
    if not item or asked.untried:
        return 0
    limit = asked.images if item == image else asked.videos
    each = min(limit if limit is not None else LARGEST, max(context // item, 1))
    return item * max(min(step[0] // item, each * max(step[1], 1)), 1)
