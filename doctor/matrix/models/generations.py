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

    known, wanted = rows.releases(engine), _version(config)
    if known is None or wanted is None:
        return None
    for family in families():
        for row in family.generations if architecture in family.architectures else ():
            if row.engine == engine and row.version == wanted:
                return Serving(wanted, known.matching(row.releases), f"{row.source}, {row.verified}")
    return None


def untold(engine: str, architecture: str, config: Mapping[str, Any]) -> str | None:
    """Why it is not known whether the engine has this version of a model that it tells apart by version, or None."""
    from doctor.matrix.models.families import families

    versions = [
        row.version
        for family in families()
        for row in (family.generations if architecture in family.architectures else ())
        if row.engine == engine
    ]
    if not versions or (wanted := _version(config)) in versions:
        return None
    if wanted is None:
        return f"`{architecture}` is a model of several versions, and config.json does not say which this is"
    return f"the data does not say which releases of {engine} have version {wanted[:20]} of `{architecture}`"


def _version(config: Mapping[str, Any]) -> str | None:
    told = config.get("version")
    if isinstance(told, bool) or not isinstance(told, (int, float, str)):
        return None
    return f"{told}" if "." in f"{told}" else f"{told}.0"
