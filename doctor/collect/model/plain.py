"""JSON that strangers wrote, made small and plain."""

from __future__ import annotations

import json
from typing import Any

from doctor.base.files import Unreadable
from doctor.base.text import clean, one_line
from doctor.collect.model.place import Place

LARGEST = 4 << 20
DEEPEST = 12
LONGEST = 2000  # characters of a string, items of a list or an object
MOST_NODES = 40_000
MOST_PARTS = 2_000_000  # commas and brackets in a file: each may stand for sixty bytes of memory


class NotPlain(ValueError):
    """A file that does not contain a JSON object that could be used; the message is one sentence without the path."""


def load(place: Place, name: str, limit: int = LARGEST) -> dict[str, Any]:
    """The object in a JSON file as it stands there. Raises NotPlain; Unreadable where the file cannot be had."""
    return parse(place.read(name, limit))


def parse(data: bytes, *, unique: bool = False) -> dict[str, Any]:
    """The object in these bytes. NaN and the infinities are no JSON. Raises NotPlain.

    `unique`: a key that stands in an object twice is an error; else the last one counts, as Python has it.
    """
    if sum(data.count(sign) for sign in (b",", b"[", b"{")) > MOST_PARTS:
        raise NotPlain("has too many parts to be read")
    try:
        pairs = _once_each if unique else None
        found = json.loads(data.decode("utf-8-sig"), parse_constant=_constant, object_pairs_hook=pairs)
    except UnicodeDecodeError:
        raise NotPlain("is not UTF-8") from None
    except NotPlain:
        raise
    except RecursionError:
        raise NotPlain("is nested too deeply to be read") from None
    except json.JSONDecodeError as error:
        raise NotPlain(f"is not valid JSON (line {error.lineno}: {one_line(error.msg, 80)})") from None
    except (ValueError, MemoryError):  # a number of thousands of digits
        raise NotPlain("is not readable JSON") from None
    if not isinstance(found, dict):
        raise NotPlain("does not contain a JSON object")
    return found


def maybe(place: Place, name: str) -> dict[str, Any]:
    """As `load`; empty where that fails."""
    try:
        return load(place, name) if name in place.names else {}
    except (NotPlain, Unreadable):
        return {}


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise NotPlain("has a key twice")
    return out


def _constant(name: str) -> Any:
    raise NotPlain(f"contains `{name}`, which is not a JSON number")


def bounded(found: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The same object with its text made printable, and whether something was too deep, long or much and left out."""
    cutter = _Cutter()
    return cutter.object(found, 0), cutter.cut


class _Cutter:
    def __init__(self) -> None:
        self.cut = False
        self.nodes = 0

    def object(self, found: dict[str, Any], depth: int) -> dict[str, Any]:
        pairs = list(found.items())[:LONGEST]
        self.cut |= len(found) > LONGEST
        return {clean(k, 200): self.value(v, depth + 1) for k, v in pairs}

    def value(self, found: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES or (depth > DEEPEST and isinstance(found, (dict, list))):
            self.cut = True
            return None
        if isinstance(found, dict):
            return self.object(found, depth)
        if isinstance(found, list):
            self.cut |= len(found) > LONGEST
            return [self.value(v, depth + 1) for v in found[:LONGEST]]
        if isinstance(found, str):
            self.cut |= len(found) > LONGEST
            return clean(found, LONGEST)
        if isinstance(found, float) and found in (float("inf"), float("-inf")):  # 1e999
            self.cut = True
            return None
        return found
