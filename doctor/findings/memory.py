"""A server's memory as it is expected before its start, and as the server itself logged it."""

from __future__ import annotations

from doctor.base.record import dataclass


@dataclass(frozen=True, slots=True)
class Expected:
    """What the check before the start expects of the fullest GPU, in bytes; ranges are at least and at most.

    `key` names the launch on this machine, None where that is not possible; `block` are the tokens of a block of the
    cache, `card` the GPU's memory, of which `free` was free. One request of `context` tokens fits `concurrent` times.
    """

    engine: str
    card: int
    weights: int
    cache: tuple[int, int]
    tokens: tuple[int, int]
    context: int
    concurrent: tuple[float, float]
    block: int = 0
    free: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure on the server's memory: `name` with its `unit`, as logged, and as predicted (at least, at most)."""

    name: str
    unit: str
    logged: float
    predicted: tuple[float, float] | None = None
