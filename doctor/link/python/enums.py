"""Enumerations: the members of a class that derives from `enum.Enum`, each the one object of its name."""

from __future__ import annotations

from doctor.link.python.values import UNKNOWN, ClassVal, FuncVal, InstanceVal, ModuleVal, Value

ENUM = ClassVal("Enum", ModuleVal("enum", is_stdlib=True), open=True)
_NAME = "_name_"


def make_members(cls: ClassVal) -> None:
    """Turns what the body of an enumeration bound into members; those of `class X(str, Enum)` stay plain values."""
    if not all(b is ENUM or _is_pure(b) for b in cls.bases) or not cls.bases:
        return
    known: list[InstanceVal] = []
    for name, value in list(cls.namespace.items()):
        if name.startswith("_") or isinstance(value, (FuncVal, ClassVal)):
            continue
        member = next((m for m in known if _is_same(m.attributes["_value_"], value)), None)
        if member is None:
            given = {_NAME: name, "name": name, "_value_": value, "value": value}
            member = InstanceVal(cls, given, open=True)
            known.append(member)
        cls.namespace[name] = member


def is_member(value: Value) -> bool:
    """Whether the value is a known member of an enumeration."""
    return (
        isinstance(value, InstanceVal)
        and _NAME in value.attributes
        and value.cls.namespace.get(value.attributes[_NAME]) is value
    )


def is_enum(cls: ClassVal) -> bool:
    """Whether a class is an enumeration whose members are known objects."""
    return any(b is ENUM for b in cls.mro()[1:]) and all(b is ENUM or _is_pure(b) for b in cls.bases)


def member_of(cls: ClassVal, args: list[Value]) -> Value:
    """`Enumeration(value)`: the member, or UNKNOWN."""
    members = (v for v in cls.namespace.values() if is_member(v))
    return next((m for m in members if len(args) == 1 and _is_same(m.attributes["_value_"], args[0])), UNKNOWN)


def _is_pure(base: Value) -> bool:
    return isinstance(base, ClassVal) and (base is ENUM or is_enum(base))


def _is_same(left: Value, right: Value) -> bool:
    simple = (str, int, bytes, bool, type(None))
    return left is not UNKNOWN and isinstance(left, simple) and type(left) is type(right) and bool(left == right)
