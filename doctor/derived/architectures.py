"""What decides about an architecture beside its name, and whether it was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from doctor.derived.engine import Chosen
from doctor.facts import Model
from doctor.matrix import rows
from doctor.matrix.models.generations import untold
from doctor.matrix.models.inner import inner_architecture, inner_architectures
from doctor.matrix.models.quantization import sees
from doctor.matrix.refusals import inner_models


def unread(chosen: Chosen, model: Model, known: Mapping[str, Collection[str]]) -> str | None:
    """Why a release that lists the architecture may still refuse the model, as a clause; None where all was read.

    `known` are the architectures of each backend that may serve it.
    """
    name = model.architectures[0]
    if (why := untold(chosen.name, name, model.config)) is not None:
        return why
    return _inner(chosen, model, known) or _pictures(chosen, model)


def _inner(chosen: Chosen, model: Model, known: Mapping[str, Collection[str]]) -> str | None:
    """Language models inside the architecture."""
    name = model.architectures[0]
    row = next((r for b in known if (r := inner_models(chosen.name, b, name, chosen.version))), None)
    if row is not None and inner_architecture(row, model.config) is None:
        return f"config.json does not say which language model is inside `{name}` (`{row.part}.architectures`)"
    if row is not None:
        return None
    inner = (i for i in inner_architectures(model.config) if not any(i in listed for listed in known.values()))
    strange = next(inner, None)
    return f"{chosen.shown} does not list `{strange}`, the language model inside `{name}`" if strange else None


def _pictures(chosen: Chosen, model: Model) -> str | None:
    """Whether the release has the architecture for images."""
    name, listed = model.architectures[0], chosen.table("architectures.vision")
    if not chosen.has("architectures_for_text") or not sees(model.config) or name in listed:
        return None
    if not listed:
        return f"the data does not say for which architectures {chosen.shown} accepts images"
    having = rows.releases_having(chosen.name, "architectures.vision", name)
    return None if having is not None and having.newest else f"no release of {chosen.name} lists `{name}` for images"
