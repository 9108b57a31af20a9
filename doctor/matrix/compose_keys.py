"""The keys that Compose accepts by their place in a service, and their kinds: `matrices/compose_keys.yaml`.

Kinds are `text`, `number`, `switch`, `list`, `mapping` and `nothing`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table


@dataclass(frozen=True, slots=True)
class ComposeKeys:
    """The whole file."""

    verified: str
    source: str
    keys: dict[str, dict[str, tuple[str, ...]]]


def compose_keys() -> dict[str, dict[str, tuple[str, ...]]]:
    """The keys with their kinds by their place: `service`, `build`, `deploy.resources`. Raises DataError."""
    return _by_place(data_dir())


@cache
def _by_place(data: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    return table(ComposeKeys, data / "compose_keys.yaml").keys
