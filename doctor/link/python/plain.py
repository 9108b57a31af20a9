"""Python's own values, computed with for real: what they are, their methods, their items."""

from __future__ import annotations

import string
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from doctor.link.python.enums import is_member
from doctor.link.python.values import (
    UNKNOWN,
    ClassVal,
    FuncVal,
    ModuleVal,
    NamespaceVal,
    NativeVal,
    SysModulesVal,
    Value,
)

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

ITEMS_LIMIT = 200_000
_PLAIN = (
    type(None), bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset, slice, range, Version,
    SpecifierSet, PurePosixPath,
)  # fmt: skip
_KEYS = (type(None), bool, int, float, str, bytes, Version, PurePosixPath, ClassVal, FuncVal, ModuleVal, type)
_TEXT = frozenset((str,))
_METHODS: dict[type, str] = {
    str: "upper lower strip lstrip rstrip split rsplit partition rpartition startswith endswith replace join find rfind"
    " index count isdigit isidentifier isalpha isupper islower title capitalize removeprefix removesuffix splitlines"
    " casefold encode isnumeric isdecimal",
    bytes: "decode startswith endswith",
    list: "append extend insert index count copy remove pop reverse",
    dict: "get keys values items update setdefault pop copy",
    set: "add update union difference intersection copy discard remove issubset issuperset",
    frozenset: "union difference intersection copy issubset issuperset",
    tuple: "index count",
    SpecifierSet: "contains",
    PurePosixPath: "joinpath with_suffix with_name as_posix is_absolute match relative_to",
}
_FIELDS: dict[type, str] = {
    Version: "major minor micro release base_version public local is_prerelease is_postrelease is_devrelease pre post"
    " dev",
    PurePosixPath: "parent name stem suffix parts parents",
    tuple: "major minor micro releaselevel serial",
    Requirement: "name specifier extras url",
}


def is_plain(value: Value) -> bool:
    """Whether the value is one of Python's own, safe to compute with."""
    return isinstance(value, _PLAIN)


def is_key(value: Value) -> bool:
    """Whether the value can be a dictionary's key."""
    if isinstance(value, (tuple, frozenset)):
        return all(is_key(v) for v in value)
    return isinstance(value, _KEYS) or is_member(value)


def are_keys(values: list[Value]) -> bool:
    """Whether all of them can be; of the thousands of names in a table that is seen at once."""
    return _TEXT.issuperset(map(type, values)) or all(v is not UNKNOWN and is_key(v) for v in values)


def is_version(value: Value) -> bool:
    """Whether the value is a parsed version."""
    return isinstance(value, Version)


def is_small(value: Value) -> bool:
    """Whether a method of the value is quick."""
    return not isinstance(value, (str, bytes, list, tuple, set, dict, frozenset)) or len(value) <= ITEMS_LIMIT


def plain_attribute(machine: Machine, owner: Value, name: str) -> Value:
    """`owner.name` for one of Python's own values; UNKNOWN for what we do not model."""
    for kind, names in _FIELDS.items():
        if isinstance(owner, kind) and name in names.split():
            if name == "parents" and isinstance(owner, PurePosixPath):
                return tuple(owner.parents)
            return getattr(owner, name, UNKNOWN)
    if name == "format" and isinstance(owner, str):
        return NativeVal(name, lambda machine, args, kwargs: _formatted(machine, owner, args, kwargs))
    for kind, names in _METHODS.items():
        if isinstance(owner, kind) and name in names.split():
            return NativeVal(name, lambda machine, args, kwargs: _method(machine, owner, name, args, kwargs))
    return machine.library.object_attribute(owner, name)


def _method(machine: Machine, owner: Value, name: str, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """A method of a Python value, called for real; it is one of `_METHODS`, so it is quick and has no other effect."""
    if isinstance(owner, (list, dict, set)) and name in ("append", "extend", "update", "add", "insert", "setdefault"):
        return _mutate(machine, owner, name, args, kwargs)
    if machine.is_tainted(owner) and name not in ("copy",):
        found = isinstance(owner, dict) and name in ("get", "pop") and args and is_key(args[0]) and args[0] in owner
        return owner[args[0]] if found else UNKNOWN
    if any(a is UNKNOWN for a in (*args, *kwargs.values())) or not all(is_small(a) for a in (owner, *args)):
        return UNKNOWN
    if isinstance(owner, dict) and args and not is_key(args[0]):
        return UNKNOWN
    try:
        result = getattr(owner, name)(*args, **kwargs)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, UnicodeError):
        return UNKNOWN
    return list(result) if isinstance(owner, dict) and name in ("keys", "values", "items") else result


def _formatted(machine: Machine, text: str, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """`text.format(...)` with plain fields; widths and look-ups inside of a field are not followed."""
    parts: list[str] = []
    count = 0
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError:
        return UNKNOWN
    for literal, field, spec, conversion in fields:
        parts.append(literal)
        if field is None:
            continue
        key, count = (str(count), count + 1) if not field else (field, count)
        at = int(key) if key.isdecimal() and len(key) < 4 else -1
        value = args[at] if 0 <= at < len(args) else kwargs.get(key, UNKNOWN)
        known = None if spec or conversion else machine.text_of(value)
        if known is None:
            return UNKNOWN
        parts.append(known)
    return "".join(parts) if sum(map(len, parts)) <= ITEMS_LIMIT else UNKNOWN


def _mutate(machine: Machine, owner: Value, name: str, args: list[Value], kwargs: dict[str, Value]) -> Value:
    if len(owner) > ITEMS_LIMIT:
        machine.taint(owner)
        return UNKNOWN
    if isinstance(owner, list) and name in ("append", "insert") and args:
        owner.append(args[-1]) if name == "append" or not isinstance(args[0], int) else owner.insert(args[0], args[-1])
        return None
    if name == "setdefault" and args and is_key(args[0]):
        return owner.setdefault(args[0], args[1] if len(args) > 1 else None)
    if name == "add" and args and is_key(args[0]):
        owner.add(args[0])
        return None
    for given in args:
        arg = given.module.namespace if isinstance(given, NamespaceVal) and given.module.surface is None else given
        items_ = arg if isinstance(owner, dict) and isinstance(arg, dict) else items(machine, arg)
        if items_ is None or machine.is_tainted(arg):
            machine.taint(owner)
        elif isinstance(owner, list):
            owner.extend(items_)
        elif isinstance(owner, dict) and isinstance(items_, dict):
            owner.update(items_)
        elif isinstance(owner, set):
            owner.update(i for i in items_ if is_key(i))
        else:
            machine.taint(owner)
    if isinstance(owner, dict) and kwargs:
        owner.update(kwargs)
    return None


def items(machine: Machine, value: Value) -> list[Value] | None:
    """What iterating gives, or None."""
    if isinstance(value, SysModulesVal):
        return list(machine.modules)
    if machine.is_tainted(value):
        return None
    if isinstance(value, (list, tuple, set, frozenset, dict, str, range)) and len(value) <= ITEMS_LIMIT:
        return _in_order(value) if isinstance(value, (set, frozenset)) else list(value)
    return None


def _in_order(values: set[Value] | frozenset[Value]) -> list[Value]:
    """The items of a set in an order that is the same in every run, without looking into the target's objects."""
    return sorted(values) if _TEXT.issuperset(map(type, values)) else sorted(values, key=_order)


def _order(value: Value) -> tuple[str, str]:
    kind = type(value).__name__
    if isinstance(value, (ClassVal, FuncVal)):
        return kind, f"{value.module.name}.{value.name}"
    if isinstance(value, ModuleVal):
        return kind, value.name
    if is_member(value):
        return kind, f"{value.cls.module.name}.{value.cls.name}.{value.attributes['name']}"
    if isinstance(value, (tuple, frozenset)):
        return kind, " ".join("/".join(_order(v)) for v in value)
    return kind, str(value) if is_plain(value) else getattr(value, "__name__", "")
