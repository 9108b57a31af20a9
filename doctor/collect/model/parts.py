"""The size of a model's parts, by the beginnings of its tensors' names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from doctor.base.text import one_line

MOST = 40
# what stands beside the language model is one part, however it is built inside
_TOWERS = frozenset(
    ("visual", "vision_tower", "vision_model", "vision_embed_tokens", "vision_encoder", "image_newline", "vit", "vpm",
     "resampler", "audio_tower", "audio_model", "multi_modal_projector", "mm_projector", "mlp1", "connector",
     "aligner", "embed_vision", "patch_merger", "vision_language_adapter")
)  # fmt: skip


def by_part(tensors: Mapping[str, int]) -> dict[str, int]:
    """Part -> bytes, the largest first: `model.layers`, `visual`, `lm_head`; at most some forty."""
    for depth in (3, 2, 1):
        parts: Counter[str] = Counter()
        for name, size in tensors.items():
            parts[part(name, depth)] += size
        if len(parts) <= MOST:
            break
    largest = parts.most_common(MOST)
    out = {one_line(name, 120): size for name, size in largest}
    rest = sum(parts.values()) - sum(out.values())
    return {**out, "others": rest} if rest > 0 else out


def part(name: str, depth: int = 3) -> str:
    """The beginning of a tensor's name: up to a number, to a tower, or to `depth` words, without the tensor's own."""
    words = name.split(".")
    out: list[str] = []
    for word in words[:-1] or words:
        if word.isdigit() or len(out) == depth:
            break
        out.append(word)
        if word in _TOWERS:
            break
    return ".".join(out) or name
