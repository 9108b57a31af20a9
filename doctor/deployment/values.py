"""Access to values of a YAML file that strangers wrote: a wrong type is nothing, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 500


def at(raw: Any, *keys: str) -> Any:
    """The value below these keys; None where there is none."""
    for key in keys:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw


def mapping(raw: Any, *keys: str) -> Mapping[str, Any]:
    """The mapping below these keys; empty where there is none."""
    found = at(raw, *keys)
    return found if isinstance(found, Mapping) else {}


def listed(raw: Any, *keys: str) -> list[Any]:
    """The list below these keys; empty where there is none."""
    found = at(raw, *keys)
    return found[:MOST] if isinstance(found, list) else []


def text(raw: Any) -> str:
    """A scalar as YAML's authors mean it; anything else as nothing."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(raw) if isinstance(raw, (str, int, float)) else ""


def number(raw: Any, default: int) -> int:
    """A whole number of reasonable size; `default` for anything else."""
    told = text(raw).strip()
    return int(told) if told.isdigit() and len(told) < 7 else default


def items(raw: Any, most: int = 2000) -> tuple[str, ...] | None:
    """A list of words; None where nothing is written."""
    if raw is None:
        return None
    return tuple(text(w) for w in raw[:most]) if isinstance(raw, list) else (text(raw),)
