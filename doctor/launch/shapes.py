"""Whether settings given as JSON fit the class of a release that reads them: keys, types, words and limits, as pydantic
takes them. What the data leaves open fits."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.launch.conditions import UNKNOWN, holds, names

_WHOLE = late_pattern(r"\s*[+-]?\d+(?:_\d+)*(?:\.0*)?\s*")
_SWITCHES = frozenset(("0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes"))
_DEPTH = 12
_NAMES = {"int": "an integer", "float": "a number", "bool": "`true` or `false`", "str": "text", "null": "`null`",
          "list": "a list", "dict": "an object"}  # fmt: skip
_LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "min_length": "of a length of at least",
           "max_length": "of a length of at most"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that the class refuses: an unknown key (`wanted` is the nearest one, or empty), or a value.

    `path` has the keys down to it with dots; `value` is the value as JSON, None for an unknown key. `together`: keys
    that do not go together, `wanted` is what the release says.
    """

    path: str
    wanted: str
    value: str | None = None
    together: bool = False


@dataclass(frozen=True)
class Shapes:
    """The settings classes of one release: `keys` of each class, which of them are `closed` to other keys.

    `checks` are the conditions of each that are refused, `defaults` those of the keys in them, `required` the keys
    without which there is no such object. `hyphens` are the classes whose keys may have hyphens for underscores.
    """

    keys: Mapping[str, Mapping[str, list[Any]]]
    closed: frozenset[str]
    checks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hyphens: frozenset[str] = frozenset()

    def misfits(self, name: str, data: object) -> list[Misfit]:
        """What class `name` refuses in `data`; nothing for a class that is not known."""
        return list(self._class(name, data, "", 0))

    def _class(self, name: str, data: object, path: str, depth: int) -> Iterator[Misfit]:
        keys = self.keys.get(name)
        if keys is None or not isinstance(data, dict) or depth > _DEPTH:
            return
        if name in self.hyphens:
            data = {key.replace("-", "_"): held for key, held in data.items()}
        for key in data:
            if key not in keys and name in self.closed:
                yield Misfit(path + key, next(iter(difflib.get_close_matches(key, keys, n=1, cutoff=0.6)), ""))
        for key, held in data.items():
            if shape := keys.get(key):
                yield from self._value(shape, held, path + key, depth + 1)
        for key in self.required.get(name, ()):
            if key not in data:
                yield Misfit(path + key, f"the key `{key}` is missing", "null", together=True)
        yield from self._together(name, data, path)

    def _together(self, name: str, data: dict[str, object], path: str) -> Iterator[Misfit]:
        known = {**self.defaults.get(name, {}), **data}
        for condition, said in self.checks.get(name, {}).items():
            if holds(condition, lambda key: known.get(key, UNKNOWN)):
                given = next((n for n in names(condition) if n in data), "")
                yield Misfit(path + given, said, json.dumps(data.get(given)), together=True)

    def _value(self, shape: list[Any], held: object, path: str, depth: int) -> Iterator[Misfit]:
        classes = [p["class"] for p in shape if isinstance(p, dict) and "class" in p]
        if len(classes) == 1 and isinstance(held, dict) and "dict" not in shape:
            yield from self._class(classes[0], held, f"{path}.", depth)
        elif depth <= _DEPTH and not self._fits(shape, held, depth):
            yield Misfit(path, described(shape), json.dumps(held))

    def _fits(self, shape: list[Any], held: object, depth: int) -> bool:
        if not shape or depth > _DEPTH:
            return True
        bounds: dict[str, float] = next((p["bounds"] for p in shape if isinstance(p, dict) and "bounds" in p), {})
        return any(self._part(p, held, bounds, depth) for p in shape)

    def _part(self, part: Any, held: object, limits: dict[str, float], depth: int) -> bool:
        if isinstance(part, str):
            return _plain(part, held, limits)
        if "in" in part:
            word = held.lower().replace("-", "_") if part.get("fold") and isinstance(held, str) else held
            whole = isinstance(held, str) and any(isinstance(w, int) and str(w) == held for w in part["in"])
            return whole or any(word == w for w in part["in"])
        if "upper" in part:
            if not isinstance(held, str):
                return not part.get("values") or any(held == v for v in part["values"])
            return held.upper() in part["upper"] or held.lower() in part["or"]
        if "class" in part:
            return isinstance(held, dict)
        if "list" in part:
            fits = isinstance(held, list) and all(self._fits(part["list"], h, depth + 1) for h in held)
            return fits and _long_enough(held, limits)
        if "dict" in part:
            fits = isinstance(held, dict) and all(self._fits(part["dict"], h, depth + 1) for h in held.values())
            return fits and _long_enough(held, limits)
        return "bounds" not in part


def _plain(kind: str, held: object, limits: dict[str, float]) -> bool:
    if kind in ("int", "float"):
        number = _number(kind, held)
        return number is not None and within(number, limits)
    if kind == "bool":
        known = isinstance(held, str) and held.lower() in _SWITCHES
        return known or (isinstance(held, (bool, int, float)) and held in (0, 1))
    fitting: dict[str, type | tuple[type, ...]] = {"str": str, "null": type(None), "list": list, "dict": dict}
    return isinstance(held, fitting.get(kind, object)) and _long_enough(held, limits)


def _number(kind: str, held: object) -> float | None:
    """The number that a field of this type makes of the value; None where it refuses it."""
    if isinstance(held, str):
        if kind == "int" and not _WHOLE.fullmatch(held):
            return None
        try:
            return float(held)
        except ValueError:
            return None
    if not isinstance(held, (bool, int, float)):
        return None
    if kind == "int" and isinstance(held, float) and not (math.isfinite(held) and held == int(held)):
        return None
    try:
        return float(held)
    except OverflowError:  # an integer beyond any float
        return math.inf


def within(number: float, limits: dict[str, float]) -> bool:
    """Whether a number keeps to the limits `ge`, `gt`, `le`, `lt`."""
    tests = {"ge": number >= limits.get("ge", number), "le": number <= limits.get("le", number)}
    tests |= {"gt": "gt" not in limits or number > limits["gt"], "lt": "lt" not in limits or number < limits["lt"]}
    return all(tests.values()) or math.isnan(number)


def _long_enough(held: object, limits: dict[str, float]) -> bool:
    length = len(held) if isinstance(held, (str, list, dict)) else None
    return length is None or limits.get("min_length", 0) <= length <= limits.get("max_length", length)


def described(shape: list[Any]) -> str:
    """`an integer, at least 1`, `one of a, b`."""
    out: list[str] = []
    for part in shape:
        if isinstance(part, str):
            out.append(_NAMES.get(part, part))
        elif words := part.get("in") or part.get("upper"):
            more = part.get("or", ())
            out.append(f"one of {', '.join(dict.fromkeys(str(w) for w in (*words, *more)))}")
        elif "list" in part or "dict" in part:
            inner = described(part.get("list") or part.get("dict") or [])
            kind = "a list" if "list" in part else "an object"
            out.append(f"{kind} with {inner}" if inner else kind)
        elif "class" in part:
            out.append("an object")
    said = limits(next((p["bounds"] for p in shape if isinstance(p, dict) and "bounds" in p), {}))
    return " or ".join(dict.fromkeys(out)) + (f", {said}" if said else "")


def limits(bounds: dict[str, float]) -> str:
    """`at least 1 and at most 8`."""
    return " and ".join(f"{_LIMITS[k]} {v:g}" for k, v in bounds.items() if k in _LIMITS)
