"""Decorators of the target, applied to what they decorate as `def` and `class` do."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from doctor.link.python.values import (
    UNKNOWN,
    BoundVal,
    ClassVal,
    FuncVal,
    InstanceVal,
    NativeVal,
    OutOfFuel,
    PyRaise,
    Value,
)

if TYPE_CHECKING:
    from doctor.link.python.frame import Frame
    from doctor.link.python.machine import Machine

STEPS = 2_000  # what one call of a decorator may cost; one that costs more is not followed again
_KINDS = {
    "staticmethod": "static",
    "classmethod": "class",
    "property": "property",
    "functools.cached_property": "property",
}


def decorated(machine: Machine, made: Value, nodes: Sequence[ast.expr], given: list[Value], frame: Frame) -> Value:
    """What is bound: `made` as the decorators `given` (evaluated from `nodes`) leave it, the innermost first."""
    for decorator, node in zip(reversed(given), reversed(nodes), strict=True):
        if isinstance(made, FuncVal) and _marks(made, decorator, node):
            continue
        if isinstance(decorator, (FuncVal, BoundVal, ClassVal, InstanceVal)):
            made = _applied(machine, decorator, made, frame)
    return made


def _marks(func: FuncVal, decorator: Value, node: ast.expr) -> bool:
    """Whether the decorator is one of Python's own that changes how the function is called; notes it."""
    name = decorator.name if isinstance(decorator, NativeVal) else ""
    if name in ("contextlib.contextmanager", "contextlib.asynccontextmanager"):
        func.manages_context = True
    elif name in _KINDS:
        func.kind = _KINDS[name]
    elif isinstance(node, ast.Attribute) and node.attr in ("setter", "deleter"):
        func.kind = "property"
    else:
        return func.kind != "function"
    return True


def _applied(machine: Machine, decorator: Value, made: Value, frame: Frame) -> Value:
    """`decorator(made)`; where that is not known, it is taken to keep what it is given.

    Other errors than a failed import are left out: a module that is loaded again registers itself again.
    """
    body = decorator.func if isinstance(decorator, BoundVal) else decorator
    key = id(body.node if isinstance(body, FuncVal) else body)
    if key in machine.costly or machine.fuel <= STEPS:
        return made
    fuel, machine.fuel = machine.fuel, STEPS
    try:
        result = machine.call(decorator, [made], {}, frame, machine.line)
    except PyRaise as error:
        if error.is_a(ImportError) is True:
            raise
        return made
    except OutOfFuel:
        machine.costly[key] = body
        return made
    finally:
        machine.fuel = fuel - (STEPS - max(machine.fuel, 0))
    return made if result is UNKNOWN else result
