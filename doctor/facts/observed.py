"""What a server logged about its memory when the same launch ran on this machine before."""

from __future__ import annotations

from doctor.base.record import dataclass


@dataclass(frozen=True, slots=True)
class Observed:
    """Figures of the fullest GPU, in bytes; None for what was not logged.

    `cache` is the KV cache (negative where the rest takes more than there is) and `tokens` what it holds;
    `concurrency` whole requests of `length` tokens fit at once. `free` was free on the GPU before the start.
    `run` names the run and `at` its day (UTC).
    """

    weights: int | None = None
    cache: int | None = None
    tokens: int | None = None
    length: int | None = None
    concurrency: float | None = None
    free: int | None = None
    run: str = ""
    at: str = ""
