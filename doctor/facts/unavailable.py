"""A fact that could not be had, and why: the alternative to guessing."""

from __future__ import annotations

from typing import Literal

from doctor.base.record import dataclass

Reason = Literal["not_requested", "not_supported", "failed", "timed_out"]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Stands where a fact would stand.

    `not_requested`: nobody asked for it; `not_supported`: this target or machine cannot have it;
    `failed`, `timed_out`: it should be there, and `detail` says in one sentence what went wrong.
    """

    reason: Reason
    detail: str = ""


NOT_REQUESTED = Unavailable("not_requested")
