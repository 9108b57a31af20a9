"""Context managers: whether leaving a `with` block ends the error that leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.link.python.expressions import truth
from doctor.link.python.frame import Frame
from doctor.link.python.functions import managed
from doctor.link.python.values import UNKNOWN, InstanceVal, PyRaise, SuppressVal, Value

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
