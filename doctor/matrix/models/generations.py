"""Models of one architecture that an engine tells apart by the `version` in config.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doctor.base.record import dataclass
from doctor.matrix import rows
from doctor.matrix.releases import ReleaseSet


@dataclass(frozen=True)
class Serving:
    """The releases of an engine that have this version of the model, and where that is written."""

    version: str
    releases: ReleaseSet
    source: str


def serving(engine: str, architecture: str, config: Mapping[str, Any]) -> Serving | None:
    """The row for what config.json says; None where the data has none. Raises DataError for damaged data."""
    from doctor.matrix.models.families import families

    told = config.get("version")
    known = rows.releases(engine)
    if known is None or isinstance(told, bool) or not isinstance(told, (int, float, str)):
        return None
    wanted = f"{told}" if "." in f"{told}" else f"{told}.0"
    for family in families():
        for row in family.generations if architecture in family.architectures else ():
            if row.engine == engine and row.version == wanted:
                return Serving(wanted, known.matching(row.releases), f"{row.source}, {row.verified}")
    return None
