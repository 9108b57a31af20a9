"""The grid that a person or an agent asks for in words: projects with specifiers, a model by any of its names."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.base.text import clean
from doctor.matrix.grid.cells import Axis, Grid, GridError
from doctor.matrix.grid.grid import grid
from doctor.matrix.models.families import Family, families, model

_NAMED = late_pattern(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(.*)", re.DOTALL)
Here = tuple["str | None", "str | None"]


def asked_grid(names: tuple[str, str], of: str | None, here: Here = (None, None), why: str = "") -> Grid:
    """The grid of an engine by a library; `here` are the installed releases. Raises GridError with one sentence."""
    engine, library = (axis(name) for name in names)
    return grid(engine, library, family(of), here, why)


def axis(text: str) -> Axis:
    """`lmdeploy`, or `vllm>=0.11`. Raises GridError."""
    found = _NAMED.fullmatch(text)
    if found is None:
        raise GridError(f"{clean(text, 100)!r} is not a project; expected e.g. lmdeploy or 'vllm>=0.11'")
    return Axis(found[1], found[2])


def family(text: str | None) -> Family | None:
    """The family that is meant. Raises GridError where nobody knows it."""
    found = model(text) if text else None
    if text and found is None:
        names = ", ".join(f.name for f in families())
        raise GridError(
            f"no model card, engine or transformers release lists the model {clean(text, 100)!r}; expected "
            f"a repository, an architecture such as Gemma3ForConditionalGeneration, a model type, or one of {names}"
        )
    return found
