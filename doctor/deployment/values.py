"""Access to values of a YAML file that strangers wrote: a wrong type is nothing, never an exception."""

from __future__ import annotations

from typing import Any

from doctor.base.values import at as at
from doctor.base.values import mapping as mapping

MOST = 500


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
