"""Whether a model's weights find room on the GPUs, and which GPUs would have it: the arithmetic of `doctor.memory`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from doctor.derived.goal import Goal
from doctor.derived.units import size
from doctor.facts import Model
from doctor.launch.settings import Settings
from doctor.matrix.engines import engine_row
from doctor.memory.fit import Fit, fit
from doctor.memory.fit import floor as smallest
from doctor.memory.footprint import Footprint, footprint

_LEAST = 2048  # tokens of a request: less is no use
_FRUGAL: dict[str, Any] = {"images": 1, "videos": 0, "requests": 1, "batch": _LEAST, "eager": True}
SHORTER = 8192  # tokens of a request, where the model's own longest one finds no room


def fit_of(goal: Goal, model: Model | None = None, context: int | None = None) -> Fit | None:
    """What becomes of the model on the goal's GPUs; None where its size or the GPUs are not known."""
    return _on_cards(goal, model or goal.model, _settings(goal, context))


def too_large(goal: Goal) -> str | None:
    """Why the weights find no room, as words to stand behind "because"; None where they do or nothing is known.

    Asked of the launch that needs least: a shorter context or fewer pictures may be the cure.
    """
    found = _on_cards(goal, goal.model, replace(_settings(goal, _LEAST), **_FRUGAL))
    if found is None or found.verdict != "never":
        return None
    name = goal.devices[0].name
    each = f"each `{name}`" if found.settings.tp > 1 else f"`{name}`"
    return (
        f"the weights of `{goal.label}` take {size(found.weights)} on one GPU ({found.footprint.source}), "
        f"{size(found.weights + found.overhead.least)} with the least that a server needs, and {each} has "
        f"{size(found.card)}: no release of anything changes that"
    )


def smallest_gpus(goal: Goal) -> str | None:
    """The smallest GPUs that would serve the model: `12 GB, or 2 of 8 GB`; None where that is not known."""
    found = _footprint(goal.model)
    return of_cards(smallest(found, _settings(goal, None)) if found else ())


def of_cards(cards: tuple[tuple[int, int], ...]) -> str | None:
    """Cards, as (number, GiB), in words; None for none."""
    told = [f"{gib} GB" if count == 1 else f"{count} of {gib} GB" for count, gib in cards]
    return ", or ".join(told) or None


def _on_cards(goal: Goal, model: Model | None, asked: Settings) -> Fit | None:
    found = _footprint(model)
    return fit(found, min(d.usable for d in goal.devices), asked) if found is not None and goal.devices else None


def _footprint(model: Model | None) -> Footprint | None:
    return footprint(model) if model is not None else None


def _settings(goal: Goal, context: int | None) -> Settings:
    engine = goal.engines[0] if goal.engines else "transformers"
    halves = engine_row(engine).halves
    backend = goal.backend if goal.backend and len(halves) > 1 else halves[0]
    return Settings(engine, None, backend, tp=max(1, min(goal.parallel, len(goal.devices) or 1)), context=context)
