"""Dataclasses of the target: the `__init__` that the decorator makes of the annotations."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from doctor.link.python.values import ClassVal, InstanceVal, NativeVal, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

DATACLASS = "dataclasses.dataclass"
_OTHERWISE = ("InitVar", "KW_ONLY")  # annotations that change what `__init__` takes


def decorate(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """`@dataclass` and `@dataclass(frozen=True)`: the class stays the same object."""
    return args[0] if args else NativeVal(DATACLASS, decorate)


def fields_of(cls: ClassVal, node: ast.ClassDef) -> tuple[str, ...] | None:
    """The fields in the order in which `__init__` takes them, those of the bases first; None where not known."""
    out: dict[str, None] = {}
    for base in reversed(cls.mro()[1:]):
        if isinstance(base, ClassVal):
            out.update(dict.fromkeys(base.fields or ()))
        elif base is not object:
            return None
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            annotation = ast.unparse(statement.annotation)
            if any(word in annotation for word in _OTHERWISE):
                return None
            if "ClassVar" not in annotation:
                out[statement.target.id] = None
    return tuple(out)


def fill(instance: InstanceVal, fields: tuple[str, ...], args: list[Value], kwargs: dict[str, Value]) -> None:
    """What the made `__init__` stores; the defaults of the others are found on the class."""
    instance.attributes.update(zip(fields, args, strict=False))
    instance.attributes.update({k: v for k, v in kwargs.items() if k in fields})
