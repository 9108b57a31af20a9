"""The built-in names of Python, as far as module-level code depends on what they return."""

from __future__ import annotations

import builtins
import collections.abc
from typing import TYPE_CHECKING, Any

from doctor.link.python.classes import descends, is_type
from doctor.link.python.creation import make_type, super_of
from doctor.link.python.values import (
    UNKNOWN,
    BoundVal,
    ClassVal,
    InstanceVal,
    ModuleVal,
    NamespaceVal,
    NativeVal,
    PyRaise,
    Value,
)  # fmt: skip

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

Args = list[Value]
Kwargs = dict[str, Value]
_TYPES = ("bool", "int", "float", "str", "bytes", "list", "dict", "set", "frozenset", "tuple", "object", "complex")


def builtin_names(machine: Machine) -> dict[str, Value]:
    """Name to value; names that are missing here are UNKNOWN, as everything else that we do not model."""
    out: dict[str, Value] = {name: getattr(builtins, name) for name in _TYPES}
    for name, value in vars(builtins).items():
        if isinstance(value, type) and issubclass(value, BaseException):
            out[name] = value
    functions = {
        "len": _len, "isinstance": _isinstance, "issubclass": _issubclass, "hasattr": _hasattr, "getattr": _getattr,
        "setattr": _setattr, "callable": _callable, "any": _any, "all": _all, "sorted": _sorted,
        "reversed": _reversed, "zip": _zip, "enumerate": _enumerate, "range": _range, "globals": _globals,
        "locals": _locals, "vars": _vars, "__import__": _import, "exec": _exec, "dir": _dir, "type": _type,
        "super": super_of, "max": _extreme(max), "min": _extreme(min), "abs": _abs, "next": _next, "iter": _iter,
        "map": _map,
    }  # fmt: skip
    out.update({name: NativeVal(name, call) for name, call in functions.items()})
    for name in ("staticmethod", "classmethod", "property"):
        out[name] = NativeVal(name, lambda machine, args, kwargs: args[0] if args else UNKNOWN)
    return out


def _len(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    found = machine.items(args[0]) if args else None
    return UNKNOWN if found is None else len(found)


def _isinstance(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if len(args) != 2 or args[0] is UNKNOWN:
        return UNKNOWN
    kinds = args[1] if isinstance(args[1], tuple) else (args[1],)
    answers = [_is_one(machine, args[0], kind) for kind in kinds]
    return True if True in answers else UNKNOWN if None in answers else False


def _is_one(machine: Machine, value: Value, kind: Value) -> bool | None:
    if is_type(kind):
        return True if isinstance(value, (ClassVal, type)) else False if machine.is_plain(value) else None
    if isinstance(kind, type):
        if machine.is_plain(value):
            return isinstance(value, kind)
        return value.is_a(kind) if isinstance(value, PyRaise) else None
    if isinstance(kind, ClassVal):
        if isinstance(value, InstanceVal):
            return True if descends(value.cls, kind) else None if value.open else False
        if isinstance(value, PyRaise):
            return value.is_a(kind)
        standard = getattr(collections.abc, kind.name, None) if kind.module.is_stdlib else None
        if standard is not None and machine.is_plain(value):
            return isinstance(value, standard)
        abstract = kind.open or kind.meta is not None  # such a class may have been told that others belong to it
        return False if machine.is_plain(value) and not abstract else None
    return None


def _issubclass(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if len(args) == 2 and isinstance(args[0], ClassVal) and isinstance(args[1], ClassVal):
        return True if descends(args[0], args[1]) else UNKNOWN if args[0].open else False
    return UNKNOWN


def _hasattr(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if len(args) != 2 or not isinstance(args[1], str):
        return UNKNOWN
    try:
        value = machine.attribute(args[0], args[1], importing=True)
    except PyRaise as error:
        if error.is_a(AttributeError) is True:
            return False
        raise
    if value is not UNKNOWN:
        return True
    owner = args[0]
    return (isinstance(owner, ModuleVal) and args[1] in owner.namespace) or UNKNOWN


def _getattr(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if len(args) < 2 or not isinstance(args[1], str):
        return UNKNOWN
    try:
        return machine.attribute(args[0], args[1], importing=True)
    except PyRaise as error:
        if len(args) > 2 and error.is_a(AttributeError) is True:
            return args[2]
        raise


def _setattr(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    from doctor.link.python.assign import set_attribute

    if len(args) == 3 and isinstance(args[1], str):
        set_attribute(machine, args[0], args[1], args[2])
    elif args and isinstance(args[0], (ModuleVal, InstanceVal, ClassVal)):
        args[0].open = True
    return None


def _callable(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    known = machine.is_callable(args[0]) if args else None
    return UNKNOWN if known is None else known


def _truths(machine: Machine, args: Args) -> list[bool | None] | None:
    from doctor.link.python.expressions import truth

    found = machine.items(args[0]) if len(args) == 1 else None
    return None if found is None else [truth(machine, v) for v in found]


def _any(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    known = _truths(machine, args)
    if known is None:
        return UNKNOWN
    return True if True in known else UNKNOWN if None in known else False


def _all(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    known = _truths(machine, args)
    if known is None:
        return UNKNOWN
    return False if False in known else UNKNOWN if None in known else True


def _sorted(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    found = machine.items(args[0]) if args else None
    if found is None or "key" in kwargs or not isinstance(kwargs.get("reverse", False), bool):
        return UNKNOWN
    if not (all(isinstance(v, str) for v in found) or all(type(v) is int for v in found)):
        return found
    return sorted(found, reverse=kwargs.get("reverse", False))


def _reversed(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    found = machine.items(args[0]) if args else None
    return UNKNOWN if found is None else found[::-1]


def _zip(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    columns = [machine.items(a) for a in args]
    if any(c is None for c in columns):
        return UNKNOWN
    return list(zip(*(c or [] for c in columns), strict=False))


def _enumerate(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    found = machine.items(args[0]) if args else None
    return UNKNOWN if found is None or len(args) > 1 or kwargs else list(enumerate(found))


def _range(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if args and all(type(a) is int for a in args) and len(args) < 4:
        try:
            return range(*args)
        except ValueError:
            return UNKNOWN
    return UNKNOWN


def _here(machine: Machine) -> ModuleVal | None:
    return machine.caller.module if machine.caller is not None else None


def _globals(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    module = _here(machine)
    return UNKNOWN if module is None else NamespaceVal(module)


def _locals(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    frame = machine.caller
    if frame is None or frame.names is frame.module.namespace:
        return _globals(machine, args, kwargs)
    return dict(frame.names) if frame.func is not None else frame.names


def _vars(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if not args:
        return _globals(machine, args, kwargs)
    if isinstance(args[0], ModuleVal) and args[0].surface is None:
        return NamespaceVal(args[0])
    return args[0].attributes if isinstance(args[0], InstanceVal) and not args[0].open else UNKNOWN


def _import(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    module = _here(machine)
    if not args or not isinstance(args[0], str) or module is None:
        return UNKNOWN
    if args[3:] or "fromlist" in kwargs:
        return machine.import_origin(args[0], module, machine.line)
    return machine.import_module(args[0], module, machine.line)


def _exec(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    module = _here(machine)
    if module is not None:
        module.open = True
    return None


def _dir(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if args and isinstance(args[0], ModuleVal) and args[0].surface is None and not args[0].open:
        return sorted(args[0].namespace)
    return UNKNOWN


def _type(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if len(args) == 3:
        return make_type(machine, args)
    if len(args) == 1 and isinstance(args[0], InstanceVal):
        return args[0].cls
    if len(args) == 1 and isinstance(args[0], ClassVal) and args[0].meta is not None:
        return args[0].meta
    if len(args) == 1 and isinstance(args[0], PyRaise):
        return args[0].kind
    return type(args[0]) if len(args) == 1 and machine.is_plain(args[0]) else UNKNOWN


def _extreme(choose: Any) -> Any:
    def call(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        found = machine.items(args[0]) if len(args) == 1 else args
        numbers = found is not None and found and all(isinstance(v, (int, float)) for v in found)
        return choose(found) if numbers and not kwargs else UNKNOWN

    return call


def _abs(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    return abs(args[0]) if args and isinstance(args[0], (int, float)) else UNKNOWN


def _next(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    found = machine.items(args[0]) if args else None
    if found:
        return found[0]
    return args[1] if found is not None and len(args) > 1 else UNKNOWN


def _iter(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    return args[0] if args else UNKNOWN


def _map(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    found = machine.items(args[1]) if len(args) == 2 else None
    if found is None or isinstance(args[0], (InstanceVal, BoundVal)):
        return UNKNOWN
    return [machine.call(args[0], [v], {}) for v in found]
