"""The least memory that a model's weights take, as far as the facts tell it."""

from __future__ import annotations

from dataclasses import dataclass

from doctor.facts import Facts, Model, Weights
from doctor.facts.gpu import Device
from doctor.plan.wish import Wish
from doctor.rules.units import size


@dataclass(frozen=True, slots=True)
class Floor:
    """`bytes` that are needed at least, all devices together; `subject` in a word, `source` where it is known from."""

    bytes: int
    subject: str
    source: str


def floor(facts: Facts, wish: Wish) -> Floor | None:
    """What the weights take; None where nothing tells."""
    if isinstance(facts.model, Model) and isinstance(facts.model.weights, Weights):
        weights = facts.model.weights
        total = weights.total or weights.declared
        if total:
            source = "the headers of its weights" if weights.total else "its index"
            return Floor(total, f"weights of {wish.label}", source)
    return None


def shown_room(least: Floor, devices: tuple[Device, ...], parallel: int) -> str:
    """The comparison as words to stand behind "because"."""
    each = min(d.memory_total for d in devices)
    count = min(len(devices), max(1, parallel))
    have = f"{size(each)}" if count == 1 else f"{count} times {size(each)}"
    return f"the {least.subject} take {size(least.bytes)} ({least.source}), and `{devices[0].name}` has {have}"
