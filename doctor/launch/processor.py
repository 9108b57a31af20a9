"""What a launch tells the model's image processor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from doctor.facts import Facts
from doctor.launch.options import option
from doctor.matrix.engines import option_names

LONGEST = 4096  # characters
MOST = 1 << 40  # pixels


def processor_arguments(facts: Facts) -> Mapping[str, Any]:
    """Its arguments where they are JSON; of SGLang's, which has one part for each kind of input, those for images."""
    said = option(facts, *option_names("processor_arguments"))
    try:
        found = json.loads(said[:LONGEST]) if said else {}
    except ValueError:
        return {}
    found = found if isinstance(found, dict) else {}
    inside = found.get("image")
    return inside if isinstance(inside, dict) else found


def most_pixels(arguments: Mapping[str, Any]) -> int | None:
    """The pixels to which the processor shrinks an image, None where nothing is said of it.

    `max_pixels` goes before the same in `size`; vllm, model_executor/models/qwen2_vl.py: _get_vision_info(). Those of
    images may stand in a part of their own.
    """
    own = arguments.get("images_kwargs")
    arguments = {**arguments, **own} if isinstance(own, dict) else arguments
    size = arguments.get("size")
    size = size if isinstance(size, dict) else {}
    for found in (arguments.get("max_pixels"), size.get("longest_edge"), size.get("max_pixels")):
        if isinstance(found, int) and not isinstance(found, bool) and 0 < found < MOST:
            return found
    return None
