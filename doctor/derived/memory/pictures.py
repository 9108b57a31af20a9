"""What pictures of usual sizes cost the named model: tokens of each, and how many the cache holds at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from doctor.base.record import dataclass
from doctor.derived.memory.verdict import MemoryVerdict
from doctor.facts import Facts, Model
from doctor.launch.options import option
from doctor.matrix.engines import option_names
from doctor.memory.layout import layout
from doctor.memory.pictures import tokens_of

SIZES = ((640, 480), (1920, 1080), (4032, 3024))  # pixels: a small one, a screen, a telephone's camera
SHOWN = (1920, 1080)


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels and tokens of a picture; `at_once` of them fill the cache of one GPU, None where that is not known."""

    width: int
    height: int
    tokens: int
    at_once: tuple[int, int] | None


def pictures(facts: Facts, here: MemoryVerdict) -> tuple[Picture, ...]:
    """One for each size; empty for a model without pictures, or of a family that is not known here."""
    model = facts.model if isinstance(facts.model, Model) else here.listed.model if here.listed else None
    found = layout(model.config, model.model_type) if model is not None and here.settings.vision else None
    if model is None or found is None or here.settings.images == 0:
        return ()
    given = {**model.preprocessor, **_asked(facts)}
    counted = ((size, tokens_of(found, given, *size)) for size in SIZES)
    return tuple(Picture(*size, tokens, _at_once(here, tokens)) for size, tokens in counted if tokens)


def _asked(facts: Facts) -> Mapping[str, Any]:
    """What the command tells the processor, where it is JSON."""
    said = option(facts, *option_names("processor_arguments"))
    try:
        found = json.loads(said[:4096]) if said else {}
    except ValueError:
        return {}
    found = found if isinstance(found, dict) else {}
    inside = found.get("image")  # SGLang's words have one part for each kind of input
    return inside if isinstance(inside, dict) else found


def _at_once(here: MemoryVerdict, tokens: int) -> tuple[int, int] | None:
    if here.fit is None or not here.fit.per_token:
        return None
    return here.fit.tokens[0] // tokens, here.fit.tokens[1] // tokens
