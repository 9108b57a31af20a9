"""Classes: running their bodies, making instances, and finding attributes on both."""

from __future__ import annotations

import ast
import types
from typing import TYPE_CHECKING

from doctor.link.python.expressions import evaluate
from doctor.link.python.frame import Frame
from doctor.link.python.values import UNKNOWN, BoundVal, ClassVal, FuncVal, InstanceVal, PyRaise, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

_CLOSED_BASES = (object, types.ModuleType)


def define_class(machine: Machine, node: ast.ClassDef, frame: Frame) -> Value:
    """What `class` binds; its body runs now, as Python runs it."""
    from doctor.link.python.statements import run_block

    bases = tuple(evaluate(machine, b, frame) for b in node.bases if not isinstance(b, ast.Starred))
    meta = [evaluate(machine, k.value, frame) for k in node.keywords]
    for decorator in node.decorator_list:
        evaluate(machine, decorator, frame)
    cls = ClassVal(node.name, frame.module, bases, open=bool(meta) or bool(node.decorator_list) or _is_open(bases))
    run_block(machine, node.body, frame.nested(cls.namespace, is_class=True))
    for value in cls.namespace.values():
        if isinstance(value, FuncVal) and value.owner is None:
            value.owner = cls
    return cls


def _is_open(bases: tuple[Value, ...]) -> bool:
    return any(b.open if isinstance(b, ClassVal) else not _is_closed(b) for b in bases)


def _is_closed(base: Value) -> bool:
    return any(base is known for known in _CLOSED_BASES) or _is_exception(base)


def _is_exception(value: Value) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def instantiate(machine: Machine, cls: ClassVal, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """`cls(*args, **kwargs)`: an exception for exception classes, else an instance whose `__init__` has run."""
    if any(_is_exception(b) for b in cls.mro()):
        text = args[0] if args and isinstance(args[0], str) else None
        return PyRaise(cls, text)
    instance = InstanceVal(cls, open=cls.open)
    if args and isinstance(args[0], str) and any(b is types.ModuleType for b in cls.mro()):
        instance.attributes["__name__"] = args[0]  # what ModuleType's own constructor does
    if machine.lazy.fits(cls):
        machine.lazy.construct(instance, args, kwargs)
        return instance
    init = class_attribute(cls, "__init__")
    if isinstance(init, FuncVal):
        machine.call(BoundVal(init, instance), args, kwargs)
    else:
        instance.attributes.update({k: v for k, v in kwargs.items() if isinstance(k, str)})
        instance.open = instance.open or bool(args)
    return instance


def class_attribute(cls: ClassVal, name: str) -> Value | None:
    """The attribute as the class or a base of it binds it, or None."""
    for base in cls.mro():
        if isinstance(base, ClassVal) and name in base.namespace:
            return base.namespace[name]
    return None


def instance_attribute(machine: Machine, instance: InstanceVal, name: str) -> Value:
    """`instance.name`. Raises PyRaise(AttributeError) only where nothing hidden could provide it."""
    if name in instance.attributes:
        return instance.attributes[name]
    found = class_attribute(instance.cls, name)
    if isinstance(found, FuncVal):
        if found.kind == "property":
            return machine.call(found, [instance], {})
        owner = instance if found.kind == "function" else instance.cls
        return found if found.kind == "static" else BoundVal(found, owner)
    if found is not None:
        return found
    if name == "__class__":
        return instance.cls
    if name == "__dict__":
        return instance.attributes
    getter = class_attribute(instance.cls, "__getattr__")
    if isinstance(getter, FuncVal):
        return machine.call(BoundVal(getter, instance), [name], {})
    if instance.open:
        return UNKNOWN
    raise PyRaise(AttributeError, f"'{instance.cls.name}' object has no attribute '{name}'")


def class_member(cls: ClassVal, name: str) -> Value:
    """`cls.name`; what neither it nor its visible bases bind is UNKNOWN."""
    if name in ("__name__", "__qualname__"):
        return cls.name
    if name == "__module__":
        return cls.module.name
    found = class_attribute(cls, name)
    if isinstance(found, FuncVal) and found.kind == "class":
        return BoundVal(found, cls)
    return UNKNOWN if found is None else found
