"""A release that the data does not cover, as its own installed files tell what it accepts."""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.base.record import dataclass


@dataclass(frozen=True, slots=True)
class ReadRelease:
    """What was read out of an installed `distribution` of this `version`: kind -> key -> value, as the data has it.

    `row` is empty where its files could not be read; `problem` then says why in one sentence.
    """

    distribution: str
    version: str
    row: dict[str, JsonObject]
    problem: str | None = None
