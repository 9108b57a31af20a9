"""Instances: making them, and finding attributes on them and on their classes."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

from doctor.link.python.dataclass import fill
from doctor.link.python.enums import is_enum, is_member, member_of
from doctor.link.python.values import UNKNOWN, BoundVal, ClassVal, FuncVal, InstanceVal, NativeVal, PyRaise, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine


_ABSENT: Value = object()


def is_exception(value: Value) -> bool:
    """Whether the value is one of Python's own exception classes."""
    return isinstance(value, type) and issubclass(value, BaseException)


def instantiate(machine: Machine, cls: ClassVal, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """`cls(*args, **kwargs)` by the metaclass: its `__call__`, where it has one of its own."""
    caller = class_attribute(cls.meta, "__call__") if isinstance(cls.meta, ClassVal) else None
    if isinstance(caller, FuncVal):
        made = machine.call(BoundVal(caller, cls), args, kwargs)
        return InstanceVal(cls, open=True) if made is UNKNOWN else made
    return construct(machine, cls, args, kwargs)


def construct(machine: Machine, cls: ClassVal, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """What `type.__call__` makes: an exception for exception classes, else an instance whose `__init__` has run."""
    if is_enum(cls):
        return member_of(cls, args)
    if any(is_exception(b) for b in cls.mro()):
        text = args[0] if args and isinstance(args[0], str) else None
        return PyRaise(cls, text)
    instance = _made(machine, cls, args, kwargs)
    if not isinstance(instance, InstanceVal) or not descends(instance.cls, cls):
        return instance
    if args and isinstance(args[0], str) and any(b is types.ModuleType for b in cls.mro()):
        instance.attributes.setdefault("__name__", args[0])  # what ModuleType's own constructor does
    if machine.lazy.fits(cls):
        machine.lazy.construct(instance, args, kwargs)
        return instance
    init = class_attribute(cls, "__init__")
    if isinstance(init, FuncVal):
        machine.call(BoundVal(init, instance), args, kwargs)
    elif cls.fields is not None:
        fill(instance, cls.fields, args, kwargs)
        after = class_attribute(cls, "__post_init__")
        if isinstance(after, FuncVal):
            machine.call(BoundVal(after, instance), [], {})
    else:
        instance.attributes.update({k: v for k, v in kwargs.items() if isinstance(k, str)})
        instance.open = instance.open or bool(args)
    return instance


def _made(machine: Machine, cls: ClassVal, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """What `cls.__new__` gives."""
    maker = class_attribute(cls, "__new__")
    if not isinstance(maker, FuncVal):
        return InstanceVal(cls, open=cls.open)
    made = machine.call(maker, [cls, *args], kwargs)
    return InstanceVal(cls, open=True) if made is UNKNOWN else made


def descends(cls: ClassVal, kind: Value) -> bool:
    """Whether a class is `kind` or has it among its bases."""
    return any(base is kind for base in cls.mro())


def class_attribute(cls: ClassVal, name: str, absent: Value = None) -> Value:
    """The attribute as the class or a base of it binds it, or `absent`."""
    for base in cls.mro():
        if isinstance(base, ClassVal) and name in base.namespace:
            return base.namespace[name]
    return absent


def bound(machine: Machine, found: Value, instance: Value, cls: ClassVal) -> Value:
    """What a look-up on an instance gives for the attribute `found` of its class: methods bound, descriptors asked."""
    if isinstance(found, FuncVal):
        if found.kind == "property":
            return machine.call(found, [instance], {})
        return found if found.kind == "static" else BoundVal(found, cls if found.kind == "class" else instance)
    if isinstance(found, InstanceVal):
        if is_member(found):
            return found
        getter = class_attribute(found.cls, "__get__")
        if isinstance(getter, FuncVal):
            return machine.call(BoundVal(getter, found), [instance, cls], {})
        return UNKNOWN if found.cls.open and not found.attributes else found
    return found


def instance_attribute(machine: Machine, instance: InstanceVal, name: str) -> Value:
    """`instance.name`. Raises PyRaise(AttributeError) only where nothing hidden could provide it."""
    if name in instance.attributes:
        return instance.attributes[name]
    found = class_attribute(instance.cls, name, _ABSENT)
    if found is not _ABSENT:
        return bound(machine, found, instance, instance.cls)
    if name == "__class__":
        return instance.cls
    if name == "__dict__":
        return instance.attributes
    getter = class_attribute(instance.cls, "__getattr__")
    hidden = _may_have(machine, instance, name)
    if isinstance(getter, FuncVal):
        try:
            return machine.call(BoundVal(getter, instance), [name], {})
        except PyRaise as error:
            if not machine.is_tainted(instance.attributes) or error.is_a(AttributeError) is not True:
                raise
    if hidden:
        return UNKNOWN
    raise PyRaise(AttributeError, f"'{instance.cls.name}' object has no attribute '{name}'")


def _may_have(machine: Machine, instance: InstanceVal, name: str) -> bool:
    """Whether something that was not followed may provide the attribute."""
    hidden = instance.open or instance.cls.open or machine.is_tainted(instance.attributes)
    return hidden or name.startswith("__") or class_attribute(instance.cls, "__getattribute__") is not None


def store(machine: Machine, instance: InstanceVal, name: str, value: Value) -> None:
    """`instance.name = value`; what a property's setter or a descriptor does with it is not followed."""
    found = class_attribute(instance.cls, name)
    is_data = isinstance(found, FuncVal) and found.kind == "property"
    if isinstance(found, InstanceVal):
        setter = class_attribute(found.cls, "__set__")
        if isinstance(setter, FuncVal):
            machine.call(BoundVal(setter, found), [instance, value], {})
            return
    if is_data or class_attribute(instance.cls, "__setattr__") is not None:
        instance.open = True
    instance.attributes[name] = value


def class_member(machine: Machine, cls: ClassVal, name: str) -> Value:
    """`cls.name`; what neither it nor its visible bases bind is UNKNOWN."""
    if name in ("__name__", "__qualname__"):
        return cls.name
    if name == "__module__":
        return cls.module.name
    if name == "__mro__":
        return tuple(cls.mro())
    if name == "__bases__":
        return cls.bases
    found = class_attribute(cls, name, _ABSENT)
    if isinstance(found, FuncVal) and found.kind == "class":
        return BoundVal(found, cls)
    if isinstance(found, InstanceVal):
        return bound(machine, found, None, cls)
    if found is not _ABSENT:
        return found
    own = class_attribute(cls.meta, name) if isinstance(cls.meta, ClassVal) else None
    return bound(machine, own, cls, cls.meta) if isinstance(own, FuncVal) else UNKNOWN


def is_type(value: Value) -> bool:
    """Whether the value is the built-in `type`."""
    return isinstance(value, NativeVal) and value.name == "type"
