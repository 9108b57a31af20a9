"""Plain values of a user's YAML, whatever stands in them: mappings, lists, the pods of an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from doctor.base.json_object import JsonObject


def at(one: Mapping[str, Any], *keys: str) -> JsonObject:
    """The mapping below these keys; empty for anything else."""
    found: Any = one
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def listed(value: Any) -> list[Any]:
    """A list of the user's; empty for anything else."""
    return value if isinstance(value, list) else []


def pods_of(one: JsonObject) -> Iterator[JsonObject]:
    """Every pod of an object; each value is looked at once, however many aliases lead to it."""
    todo: list[Any] = [one]
    seen: set[int] = set()
    while todo:
        here = todo.pop()
        if not isinstance(here, dict) or id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here.get("containers"), list):
            yield here
        todo += here.values()
