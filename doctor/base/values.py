"""Access to values that strangers wrote: a wrong type is nothing, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def at(raw: Any, *keys: str) -> Any:
    """The value below these keys; None where there is none."""
    for key in keys:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw


def mapping(raw: Any, *keys: str) -> Mapping[str, Any]:
    """The mapping below these keys; empty where there is none."""
    found = at(raw, *keys)
    return found if isinstance(found, Mapping) else {}
