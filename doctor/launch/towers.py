"""Which of a model's towers a launch loads: an engine that may get no pictures need not build what looks at them.

vllm 0.10.1 to 0.14, `get_limit_per_prompt` in the `__init__` of some models; 0.15 to 0.33.0,
model_executor/models/interfaces.py: _mark_tower_model(), which nearly all models use; sglang 0.4.6 to 0.5.23,
configs/model_config.py: `mm_disabled_models`.
"""

from __future__ import annotations

from dataclasses import replace

from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row


def as_loaded(asked: Settings, architectures: tuple[str, ...]) -> Settings:
    """The settings of a launch of this model: `vision` and `hearing` are off where their towers are left out."""
    memory = engine_row(asked.engine).memory
    if not asked.vision:
        return replace(asked, hearing=False)
    idle = engine_row(asked.engine).has("sees_on_request", asked.release)
    blind = idle and not asked.sees and any(name in memory.seen_on_request for name in architectures)
    asked = replace(asked, sees=not blind)
    if not memory.leaves_out(asked.release, architectures):
        return asked
    images_alone = any(name in memory.image_towers for name in architectures)
    unseen = asked.images == 0 and (asked.videos == 0 or images_alone)
    return replace(asked, vision=not unseen, hearing=asked.sounds != 0)
