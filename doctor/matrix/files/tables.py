"""Our own YAML files as values: read by the fast loader where libyaml is there, errors as one DataError."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from doctor.facts.codec import FactsError, from_json
from doctor.matrix.files.data import DataError

T = TypeVar("T")


def plain(path: Path) -> Any:
    """What a YAML file of ours holds, as plain values. Raises OSError and yaml.YAMLError."""
    import yaml

    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def table(kind: type[T], path: Path) -> T:
    """A file whose keys are the fields of `kind`. Raises DataError for a file that does not hold what it should."""
    import yaml

    try:
        return from_json(kind, plain(path), path.stem)
    except (OSError, yaml.YAMLError, FactsError) as error:
        raise DataError(f"`{path}` cannot be used: {error}") from error
