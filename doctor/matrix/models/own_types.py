"""Whether an engine release has a configuration class of its own for a model type, beside those of transformers."""

from __future__ import annotations

from doctor.matrix import rows
from doctor.matrix.engines import engine_row
from doctor.matrix.releases import ReleaseSet


def brings(engine: str, version: str, model_type: str) -> bool | None:
    """Whether the release configures models of this type without transformers; None where the data does not tell."""
    if engine_row(engine).config_module is None:
        return False
    row = rows.row(engine, version, "model_types") or {}
    return model_type in row["model_types"] if row.get("model_types") else None


def lacking(engine: str, model_type: str) -> ReleaseSet | None:
    """The releases of the engine that leave this type to transformers; None for an engine that is not covered."""
    covered = rows.releases(engine)
    if covered is None or engine_row(engine).config_module is None:
        return covered.everything() if covered else None
    told, having = ReleaseSet(covered, 0), ReleaseSet(covered, 0)
    for key in rows.keys(engine, "model_types"):
        some = rows.releases_having(engine, "model_types", key) or having
        told = told | some
        having = having | some if key == model_type else having
    return told - having
