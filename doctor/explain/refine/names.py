"""What no package says of itself: which distribution brings a module, and names that came or went."""

from __future__ import annotations

from functools import cache

from doctor.base.json_object import JsonObject
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import plain


@cache
def table() -> JsonObject:
    """`matrices/names.yaml`. Raises DataError."""
    data = plain(data_dir() / "names.yaml")
    if not isinstance(data, dict):
        raise DataError("names.yaml: not a mapping")
    return data


def distribution_of(module: str | None) -> str:
    """The distribution that brings a top-level module; by default its name with dashes."""
    top = (module or "").partition(".")[0]
    known = table()["distributions"].get(top)
    return str(known) if known else top.replace("_", "-")


def changed_name(module: str, name: str) -> dict[str, str] | None:
    """The row for a name of a module, or for the module as a whole (`*`), or None."""
    rows = table()["changes"]
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        row = rows.get(".".join(parts[:end]))
        if row is not None:
            exact = row.get(name)
            if exact is None and (end == len(parts) or row.get("deep")):
                exact = row.get("*")
            if isinstance(exact, dict):
                return {str(k): str(v) for k, v in exact.items()}
    return None


def special_module(module: str) -> JsonObject | None:
    """The row for a module whose absence does not mean `pip install` of its name."""
    rows = table()["modules"]
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        row = rows.get(".".join(parts[:end]))
        if isinstance(row, dict) and (end == len(parts) or row.get("below", True)):
            return row
    return None
