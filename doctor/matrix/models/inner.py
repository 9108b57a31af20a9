"""Language models inside an architecture: which of them a release reads there, and in which releases that is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from doctor.matrix import rows
from doctor.matrix.models.turbomind import served_by
from doctor.matrix.refusals import InnerModels, inner_models
from doctor.matrix.releases import ReleaseSet


def inner_architecture(row: InnerModels, config: Mapping[str, Any]) -> str | None:
    """The first architecture that the inner part of config.json names."""
    part = config.get(row.part)
    named = part.get("architectures") if isinstance(part, dict) else None
    return named[0] if isinstance(named, list) and named and isinstance(named[0], str) else None


def refused_inner(
    engine: str, version: str, architectures: Sequence[str], config: Mapping[str, Any], backend: str = "turbomind"
) -> InnerModels | None:
    """The row of a release that has no reader for the inner language model.

    None where it has one, where none is known, and where the release leaves the model to its other backend.
    """
    row = inner_models(engine, backend, architectures[0], version) if architectures else None
    name = inner_architecture(row, config) if row is not None else None
    if row is None or name is None or name in row.takes:
        return None
    if backend != "turbomind":
        return row
    known = rows.row(engine, version, "architectures.turbomind", "decisions") or {}
    return None if served_by(known, row.architecture, dict(config), None) is False else row


def inner_architectures(config: Mapping[str, Any]) -> list[str]:
    """What the inner configurations name as their architectures, the first of each."""
    parts = (config.get(p) for p in ("llm_config", "text_config", "language_config"))
    named = (p.get("architectures") for p in parts if isinstance(p, dict))
    return [a[0] for a in named if isinstance(a, list) and a and isinstance(a[0], str)]


def taking_inner(engine: str, row: InnerModels, config: Mapping[str, Any]) -> ReleaseSet | None:
    """The releases of the engine with the architecture that do not refuse the inner model."""
    having = rows.releases_having(engine, f"architectures.{row.backend}", row.architecture)
    if having is None:
        return None
    bits = 0
    for place, version in enumerate(having.releases.versions):
        refused = refused_inner(engine, version, (row.architecture,), config, row.backend)
        bits |= (refused is None and bool(having.bits >> place & 1)) << place
    return ReleaseSet(having.releases, bits)
