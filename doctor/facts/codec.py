"""Facts to JSON and back, driven by the dataclasses' own type hints: a new fact needs no code here."""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from doctor.facts import SCHEMA, Facts, Unavailable

T = TypeVar("T")
_PLAIN = frozenset((str, int, bool, float))


class FactsError(ValueError):
    """A saved facts file does not hold what it should; the message says where and what."""


def to_json(value: Any) -> Any:
    """Any tree of dataclasses, tuples and dicts as plain JSON values; fields at their default are left out."""
    if isinstance(value, Unavailable):
        return {"unavailable": value.reason, "detail": value.detail}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {f.name: to_json(v) for f, v in pairs if not _is_default(f, v)}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    return value


def facts_from_json(data: Any) -> Facts:
    """The `Facts` that `to_json` wrote. Raises FactsError for another schema or a value of the wrong type."""
    if not isinstance(data, dict):
        raise FactsError("not a facts file: the top level is not an object")
    if data.get("schema", SCHEMA) != SCHEMA:
        raise FactsError(f"facts of schema {data.get('schema')!r} cannot be read; this version reads schema {SCHEMA}")
    return from_json(Facts, data, "facts")


def from_json(kind: type[T], data: Any, where: str) -> T:
    """A value of type `kind` from plain JSON; `where` names the place in error messages."""
    return _decode(kind, data, where)  # type: ignore[no-any-return]


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.name == "schema":
        return False
    if field.default is not dataclasses.MISSING:
        return bool(value == field.default)
    return field.default_factory is not dataclasses.MISSING and value == field.default_factory()


def _decode(kind: Any, data: Any, where: str) -> Any:
    if type(data) is kind and kind in _PLAIN:  # most of what is read, and the rest of this function is slow
        return data
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), data, where)
    if origin is Literal:
        return _expect(data in get_args(kind), data, where, f"one of {get_args(kind)}")
    if origin is tuple:
        return _decode_tuple(get_args(kind), data, where)
    if origin is dict:
        _expect(isinstance(data, dict), data, where, "an object")
        return {k: _decode(get_args(kind)[1], v, f"{where}.{k}") for k, v in data.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data, where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    fits = kind is Any or (isinstance(data, kind) and (kind is bool) == isinstance(data, bool))
    return _expect(fits, data, where, kind)


def _decode_union(options: tuple[Any, ...], data: Any, where: str) -> Any:
    if type(data) in options and type(data) in _PLAIN:
        return data
    if data is None:
        return _expect(type(None) in options, data, where, "a value")
    if isinstance(data, dict) and "unavailable" in data and Unavailable in options:
        return Unavailable(data["unavailable"], str(data.get("detail", "")))
    rest = [o for o in options if o is not type(None) and o is not Unavailable]
    for option in rest[:-1]:
        try:
            return _decode(option, data, where)
        except FactsError:
            continue
    return _decode(rest[-1], data, where)


def _decode_tuple(items: tuple[Any, ...], data: Any, where: str) -> tuple[Any, ...]:
    _expect(isinstance(data, list), data, where, "a list")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_decode(items[0], v, f"{where}[{i}]") for i, v in enumerate(data))
    _expect(len(data) == len(items), data, where, f"{len(items)} items")
    return tuple(_decode(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(items, data, strict=True)))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode_dataclass(kind: type, data: Any, where: str) -> Any:
    _expect(isinstance(data, dict), data, where, "an object")
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in data:
            values[field.name] = _decode(_hints(kind)[field.name], data[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise FactsError(f"{where} does not have {field.name!r}")
    return kind(**values)


def _expect(holds: bool, data: Any, where: str, wanted: Any) -> Any:
    if not holds:
        name = getattr(wanted, "__name__", wanted)
        raise FactsError(f"{where} is {type(data).__name__}, expected {name}")
    return data
