"""The `class` statement: its body, then the hooks that Python runs as a class is made, and `super()`."""

from __future__ import annotations

import ast
import types
from typing import TYPE_CHECKING

from doctor.link.python.classes import bound, class_attribute, construct, is_exception, is_type
from doctor.link.python.dataclass import DATACLASS, fields_of
from doctor.link.python.decorators import decorated
from doctor.link.python.enums import make_members
from doctor.link.python.expressions import evaluate
from doctor.link.python.frame import Frame
from doctor.link.python.values import (
    UNKNOWN,
    BoundVal,
    ClassVal,
    FuncVal,
    InstanceVal,
    NativeVal,
    PyRaise,
    SuperVal,
    Value,
)  # fmt: skip

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

_CLOSED_BASES = (object, types.ModuleType)
Args = list[Value]
Kwargs = dict[str, Value]


def define_class(machine: Machine, node: ast.ClassDef, frame: Frame) -> Value:
    """What `class` binds; its body runs now, as Python runs it."""
    from doctor.link.python.statements import run_block

    bases = tuple(evaluate(machine, b, frame) for b in node.bases if not isinstance(b, ast.Starred))
    given = {k.arg or "": evaluate(machine, k.value, frame) for k in node.keywords}
    decorators = [evaluate(machine, decorator, frame) for decorator in node.decorator_list]
    cls = ClassVal(node.name, frame.module, bases, open=bool(given) or bool(node.decorator_list) or _is_open(bases))
    cls.meta = given.pop("metaclass") if "metaclass" in given else _inherited_meta(bases)
    run_block(machine, node.body, frame.nested(cls.namespace, is_class=True))
    for value in cls.namespace.values():
        _own(value, cls)
    make_members(cls)
    if any(isinstance(d, NativeVal) and d.name == DATACLASS for d in decorators):
        cls.fields = fields_of(cls, node)
    made = _by_metaclass(machine, cls, given)
    if made is cls:
        _run_hooks(machine, cls, given)
    return decorated(machine, made, node.decorator_list, decorators, frame) if decorators else made


def _own(value: Value, cls: ClassVal) -> None:
    """A method knows its class, and so does the method that a decorator has wrapped into another function."""
    if isinstance(value, FuncVal) and value.owner is None:
        value.owner = cls
        for scope in value.scopes:
            for inner in scope.values():
                if isinstance(inner, FuncVal) and inner.name in cls.namespace and inner.module is cls.module:
                    inner.owner = inner.owner or cls


def _is_open(bases: tuple[Value, ...]) -> bool:
    return any(b.open if isinstance(b, ClassVal) else not _is_closed(b) for b in bases)


def _is_closed(base: Value) -> bool:
    return any(base is known for known in _CLOSED_BASES) or is_exception(base)


def _inherited_meta(bases: tuple[Value, ...]) -> Value:
    return next((b.meta for b in bases if isinstance(b, ClassVal) and b.meta is not None), None)


def _by_metaclass(machine: Machine, cls: ClassVal, given: Kwargs) -> Value:
    """The class as a metaclass of the target makes it; what such a class holds in the end is never sure."""
    if not isinstance(cls.meta, ClassVal):
        return cls
    cls.open = True
    args: Args = [cls.name, cls.bases, cls.namespace]
    made: Value = cls
    machine.making.append(cls)
    try:
        for hook in ("__new__", "__init__"):
            found = class_attribute(cls.meta, hook)
            if isinstance(found, FuncVal):
                result = machine.call(found, [cls.meta if hook == "__new__" else cls, *args], given)
                made = result if hook == "__new__" and isinstance(result, (ClassVal, InstanceVal)) else made
    except PyRaise as error:
        if error.is_a(ImportError) is True:
            raise
    finally:
        machine.making.pop()
    return made


def _run_hooks(machine: Machine, cls: ClassVal, given: Kwargs) -> None:
    """`__set_name__` of what the body bound, then `__init_subclass__` of the nearest base that has one."""
    for name, value in list(cls.namespace.items()):
        if isinstance(value, InstanceVal):
            hook = class_attribute(value.cls, "__set_name__")
            if isinstance(hook, FuncVal):
                machine.call(BoundVal(hook, value), [cls, name], {})
    for base in cls.mro()[1:]:
        if isinstance(base, ClassVal) and "__init_subclass__" in base.namespace:
            machine.call(base.namespace["__init_subclass__"], [cls], given)
            return


def make_type(machine: Machine, args: Args) -> Value:
    """`type(name, bases, namespace)`."""
    name, bases, space = args
    here = machine.caller.module if machine.caller is not None else None
    if not isinstance(name, str) or not isinstance(bases, tuple) or not isinstance(space, dict) or here is None:
        return UNKNOWN
    unsure = _is_open(bases) or machine.is_tainted(space)
    return ClassVal(name, here, bases, {k: v for k, v in space.items() if isinstance(k, str)}, open=unsure)


def super_of(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`super()` and `super(Class, owner)`."""
    frame = machine.caller
    if len(args) == 2:
        cls, owner = args
    elif frame is not None and frame.func is not None and frame.func.owner is not None:
        cls, owner = frame.func.owner, frame.first
    else:
        cls = owner = UNKNOWN
    if isinstance(cls, ClassVal) and isinstance(owner, (InstanceVal, ClassVal)):
        return SuperVal(cls, owner)
    scopes = (*args, *(v for scope in frame.outer for v in scope.values())) if frame is not None else args
    return machine.not_followed(list(scopes), {})


def super_attribute(machine: Machine, value: SuperVal, name: str) -> Value:
    """`super().name`: of the next class that binds it; else what `object` or a class that we cannot see has."""
    owner = value.owner
    line = owner.cls.mro() if isinstance(owner, InstanceVal) else owner.mro()
    if not any(c is value.cls for c in line):
        line = (
            [*owner.meta.mro()] if isinstance(owner, ClassVal) and isinstance(owner.meta, ClassVal) else value.cls.mro()
        )
    at = next((i for i, c in enumerate(line) if c is value.cls), len(line))
    hidden = False
    for base in line[at + 1 :]:
        if isinstance(base, ClassVal) and name in base.namespace:
            found = base.namespace[name]
            if name == "__new__":
                return found
            return bound(machine, found, owner, owner.cls if isinstance(owner, InstanceVal) else owner)
        hidden = hidden or not (isinstance(base, ClassVal) or _is_closed(base))
    return _inherited(machine, owner, name, hidden)


def _inherited(machine: Machine, owner: Value, name: str, hidden: bool) -> Value:
    """A method of `object`, `type`, `ModuleType` or an exception class, or of a base that is not known."""

    def init(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        if isinstance(owner, InstanceVal):
            owner.open = owner.open or hidden
            if args and isinstance(args[0], str) and any(b is types.ModuleType for b in owner.cls.mro()):
                owner.attributes["__name__"] = args[0]
        return None

    def new(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        return _new(machine, args, hidden)

    def write(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        if isinstance(owner, InstanceVal) and len(args) == 2 and isinstance(args[0], str):
            owner.attributes[args[0]] = args[1]
        return None

    def call(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        return construct(machine, owner, args, kwargs) if isinstance(owner, ClassVal) else UNKNOWN

    known = {"__init__": init, "__new__": new, "__setattr__": write, "__call__": call, "__init_subclass__": init,
             "__set_name__": init}  # fmt: skip
    if name in known:
        return NativeVal(name, known[name])
    if name == "__getattribute__" and isinstance(owner, InstanceVal):
        return NativeVal(name, lambda machine, args, kwargs: machine.attribute(owner, args[0]) if args else UNKNOWN)
    return NativeVal(name, lambda machine, args, kwargs: machine.not_followed([owner, *args], kwargs))


def _new(machine: Machine, args: Args, hidden: bool) -> Value:
    """`object.__new__(cls)` and, for a metaclass, `type.__new__(meta, name, bases, namespace)`."""
    cls = args[0] if args else None
    if not isinstance(cls, ClassVal):
        return UNKNOWN
    if any(is_type(b) for b in cls.mro()):
        making = machine.making[-1] if machine.making else None
        if making is not None and len(args) > 3 and args[1] == making.name:
            if isinstance(args[3], dict):
                making.namespace = args[3]
            return making
        return UNKNOWN
    return InstanceVal(cls, open=cls.open or hidden)
