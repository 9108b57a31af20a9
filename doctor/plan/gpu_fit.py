"""Whether a model's weights find room on the GPUs, and which GPUs would have it: the arithmetic of `doctor.memory`."""

from __future__ import annotations

from doctor.derived.goal import Wish
from doctor.derived.units import size
from doctor.facts import Model
from doctor.launch.settings import Settings
from doctor.memory.fit import Fit, fit
from doctor.memory.fit import floor as smallest
from doctor.memory.footprint import Footprint, footprint

SHORTER = 8192  # tokens of a request, where the model's own longest one finds no room


def fit_of(wish: Wish, model: Model | None = None, context: int | None = None) -> Fit | None:
    """What becomes of the model on the wish's GPUs; None where its size or the GPUs are not known."""
    found = _footprint(model or wish.model)
    if found is None or not wish.devices:
        return None
    card = min(d.memory_total for d in wish.devices)
    return fit(found, card, _settings(wish, context))


def too_large(wish: Wish) -> str | None:
    """Why the weights find no room, as words to stand behind "because"; None where they do or nothing is known."""
    found = fit_of(wish)
    if found is None or found.verdict != "never":
        return None
    name = wish.devices[0].name
    each = f"each `{name}`" if found.settings.tp > 1 else f"`{name}`"
    return (
        f"the weights of `{wish.label}` take {size(found.weights)} on one GPU ({found.footprint.source}), and {each} "
        f"has {size(found.card)}: no release of anything changes that"
    )


def roomy(wish: Wish) -> str | None:
    """The smallest GPUs that would serve the model: `12 GB, or 2 of 8 GB`; None where that is not known."""
    found = _footprint(wish.model)
    cards = smallest(found, _settings(wish, None)) if found else ()
    told = [f"{gib} GB" if count == 1 else f"{count} of {gib} GB" for count, gib in cards]
    return ", or ".join(told) or None


def _footprint(model: Model | None) -> Footprint | None:
    return footprint(model) if model is not None else None


def _settings(wish: Wish, context: int | None) -> Settings:
    engine = wish.engines[0] if wish.engines else "transformers"
    backend = (wish.backend or "turbomind") if engine == "lmdeploy" else "default"
    return Settings(engine, None, backend, tp=max(1, min(wish.parallel, len(wish.devices) or 1)), context=context)
