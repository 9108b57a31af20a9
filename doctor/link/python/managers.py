"""Context managers: whether leaving a `with` block ends the error that leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.link.python.classes import class_attribute
from doctor.link.python.expressions import truth
from doctor.link.python.frame import Frame
from doctor.link.python.functions import managed
from doctor.link.python.values import UNKNOWN, BoundVal, FuncVal, InstanceVal, PyRaise, SuppressVal, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine


def swallows(machine: Machine, manager: Value, error: PyRaise, frame: Frame) -> bool:
    """Whether leaving this context manager with `error` would end the error."""
    if isinstance(manager, SuppressVal):
        return error.is_a(manager.types) is True
    if isinstance(manager, InstanceVal):
        leave = machine.attribute(manager, "__exit__", default=None)
        if leave is None or leave is UNKNOWN:
            return False
        answer = truth(machine, machine.call(leave, [error.kind, error, None], {}, frame))
        if answer is None:
            machine.doubt(frame.module, 0, error)
        return answer is not False
    return managed(machine, manager, error)


def enter(machine: Machine, manager: Value, frame: Frame) -> Value:
    """What `with manager as name` binds."""
    return _method(machine, manager, "__enter__", [], frame)


def leave(machine: Machine, manager: Value, frame: Frame) -> None:
    """The end of a `with` block without an error."""
    _method(machine, manager, "__exit__", [None, None, None], frame)


def _method(machine: Machine, manager: Value, name: str, args: list[Value], frame: Frame) -> Value:
    found = class_attribute(manager.cls, name) if isinstance(manager, InstanceVal) else None
    return machine.call(BoundVal(found, manager), args, {}, frame) if isinstance(found, FuncVal) else UNKNOWN
