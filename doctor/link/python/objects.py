"""What can be done with a value: its attributes, calling it, its items."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from doctor.base.record import dataclass
from doctor.link.python import classes
from doctor.link.python.functions import call_function
from doctor.link.python.plain import is_key, is_plain, is_small, items, plain_attribute
from doctor.link.python.values import (
    UNKNOWN,
    BoundVal,
    ClassVal,
    FuncVal,
    InstanceVal,
    ModuleVal,
    NamespaceVal,
    NativeVal,
    PyRaise,
    SuperVal,
    SysModulesVal,
    Value,
)  # fmt: skip

if TYPE_CHECKING:
    from doctor.link.python.frame import Frame
    from doctor.link.python.machine import Machine

_CALLABLE_TYPES = (bool, int, float, str, list, dict, set, frozenset, tuple, Version, SpecifierSet, PurePosixPath)


@dataclass(eq=False, slots=True)
class Spec:
    """An `importlib.machinery.ModuleSpec` that the patient made, or that `find_spec` gives."""

    name: str
    loader: Value = None
    loader_state: Value = None
    origin: Value = None
    search: Value = None


def attribute(machine: Machine, owner: Value, name: str) -> Value:
    """`owner.name` for anything but a module; UNKNOWN where we do not model it."""
    if isinstance(owner, InstanceVal):
        return classes.instance_attribute(machine, owner, name)
    if isinstance(owner, ClassVal):
        return classes.class_member(machine, owner, name)
    if isinstance(owner, FuncVal):
        return owner.name if name in ("__name__", "__qualname__") else UNKNOWN
    if isinstance(owner, SuperVal):
        from doctor.link.python.creation import super_attribute

        return super_attribute(machine, owner, name)
    if isinstance(owner, PyRaise):
        return _error_attribute(owner, name)
    if isinstance(owner, Spec):
        return _spec_attribute(owner, name)
    if isinstance(owner, NamespaceVal):
        return _namespace_method(machine, owner, name)
    if isinstance(owner, SysModulesVal):
        known = {"get": _modules_get, "setdefault": _modules_setdefault, "pop": _modules_pop}
        return NativeVal(f"sys.modules.{name}", known[name]) if name in known else UNKNOWN
    if isinstance(owner, type):
        if name in ("__name__", "__qualname__"):
            return owner.__name__
        return machine.library.attribute(owner.__name__, name)
    return plain_attribute(machine, owner, name)


def _spec_attribute(spec: Spec, name: str) -> Value:
    if name == "submodule_search_locations":
        return spec.search
    if name == "loader" and spec.loader is None:
        from doctor.link.python.loaders import FileLoader

        return FileLoader(spec.name, spec.origin) if isinstance(spec.origin, str) else UNKNOWN
    return getattr(spec, name) if name in ("name", "loader", "loader_state", "origin") else UNKNOWN


def _error_attribute(error: PyRaise, name: str) -> Value:
    if name == "__class__":
        return error.kind
    if name == "name" and error.cause is not None:
        return error.cause.module
    if name in ("msg", "message"):
        return UNKNOWN if error.message is None else error.message
    return (error.message,) if name == "args" and error.message is not None else UNKNOWN


def _modules_get(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
    if args and isinstance(args[0], str):
        return machine.modules.get(args[0], args[1] if len(args) > 1 else None)
    return UNKNOWN


def _modules_setdefault(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
    if len(args) == 2 and isinstance(args[0], str):
        if args[0] not in machine.modules:
            machine.replace_module(args[0], args[1])
        return machine.modules[args[0]]
    return UNKNOWN


def _modules_pop(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
    return machine.modules.pop(args[0], UNKNOWN) if args and isinstance(args[0], str) else UNKNOWN


def _namespace_method(machine: Machine, owner: NamespaceVal, name: str) -> Value:
    space = owner.module.namespace

    def update(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
        for arg in args:
            if isinstance(arg, dict) and not machine.is_tainted(arg):
                space.update({k: v for k, v in arg.items() if isinstance(k, str)})
            else:
                owner.module.open = True
        space.update(kwargs)
        return None

    def get(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> Value:
        if args and isinstance(args[0], str) and (args[0] in space or not owner.module.open):
            return space.get(args[0], args[1] if len(args) > 1 else None)
        return UNKNOWN

    views: dict[str, Callable[[], list[Value]]] = {
        "items": lambda: list(space.items()), "keys": lambda: list(space), "values": lambda: list(space.values()),
    }  # fmt: skip
    if name in views:
        return NativeVal(name, lambda machine, args, kwargs: views[name]())
    return NativeVal("update", update) if name == "update" else NativeVal("get", get) if name == "get" else UNKNOWN


def call(
    machine: Machine, func: Value, args: list[Value], kwargs: dict[str, Value], frame: Frame | None, line: int
) -> Value:
    """`func(*args, **kwargs)`."""
    if isinstance(func, NativeVal):
        machine.caller = frame
        return func.call(machine, args, kwargs)
    if isinstance(func, FuncVal):
        return call_function(machine, func, args, kwargs)
    if isinstance(func, BoundVal):
        return call_function(machine, func.func, [func.self, *args], kwargs)
    if isinstance(func, ClassVal):
        return classes.instantiate(machine, func, args, kwargs)
    if isinstance(func, InstanceVal):
        method = classes.class_attribute(func.cls, "__call__")
        if isinstance(method, FuncVal):
            return call_function(machine, method, [func, *args], kwargs)
    if isinstance(func, type):
        return _construct(machine, func, args, kwargs)
    if frame is not None:
        _may_fill(frame.module, (*args, *kwargs.values()))
    return machine.not_followed(args, kwargs)


def _may_fill(module: ModuleVal, given: tuple[Value, ...]) -> None:
    """A function that we cannot see may bind names in the module whose name or namespace it is given."""
    for value in given:
        if (isinstance(value, str) and value == module.name) or isinstance(value, (NamespaceVal, SysModulesVal)):
            module.open = True
        elif isinstance(value, ModuleVal):
            value.open = True


def _construct(machine: Machine, kind: type, args: list[Value], kwargs: dict[str, Value]) -> Value:
    if issubclass(kind, BaseException):
        text = machine.text_of(args[0]) if args else None
        return PyRaise(kind, text)
    if kind is types.ModuleType and args and isinstance(args[0], str):
        return ModuleVal(args[0], namespace={"__name__": args[0]}, open=True)
    if kind not in _CALLABLE_TYPES or any(a is UNKNOWN for a in (*args, *kwargs.values())):
        return UNKNOWN
    if kind in (list, tuple, set, frozenset) and args:
        found = items(machine, args[0])
        if found is None or (kind in (set, frozenset) and not all(is_key(i) for i in found)):
            return UNKNOWN
        made = kind(found)
        if machine.is_tainted(args[0]):
            machine.taint(made)
        return made
    if kind is bool and args:
        from doctor.link.python.expressions import truth

        known = truth(machine, args[0])
        return UNKNOWN if known is None else known
    if kind is str and args:
        text = machine.text_of(args[0])
        return str(args[0]) if isinstance(args[0], PurePosixPath) else UNKNOWN if text is None else text
    if not all(is_plain(a) and is_small(a) for a in args):
        return UNKNOWN
    try:
        return kind(*args, **kwargs)
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN


def item(machine: Machine, owner: Value, key: Value) -> Value:
    """`owner[key]`; what is not there, or not known to be, is UNKNOWN."""
    if owner is UNKNOWN or key is UNKNOWN:
        return UNKNOWN
    if isinstance(owner, SysModulesVal):
        if isinstance(key, str) and key not in machine.modules:
            found = machine.reader.find(key, None) if "." not in key else None
            if found is not None and found.kind == "stdlib":
                return UNKNOWN  # Python may have loaded it as it started
            raise PyRaise(KeyError, key)
        return machine.modules[key] if isinstance(key, str) else UNKNOWN
    if isinstance(owner, NamespaceVal):
        return owner.module.namespace.get(key, UNKNOWN) if isinstance(key, str) else UNKNOWN
    if isinstance(owner, dict) and is_key(key):
        return owner.get(key, UNKNOWN)
    if isinstance(owner, (list, tuple, str, bytes)) and isinstance(key, (int, slice)) and not machine.is_tainted(owner):
        try:
            return owner[key]
        except IndexError:
            return UNKNOWN
    return machine.library.item(owner, key)


def contains(machine: Machine, container: Value, element: Any) -> bool | None:
    """`element in container` for containers that are no plain Python ones."""
    if isinstance(container, SpecifierSet) and isinstance(element, (str, Version)):
        return container.contains(element, prereleases=True)
    return machine.library.contains(container, element)
