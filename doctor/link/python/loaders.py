"""Modules that the target's code makes itself: from specs, from files, and by loaders of its own."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from doctor.link.python.objects import Spec
from doctor.link.python.reader import Found
from doctor.link.python.values import UNKNOWN, InstanceVal, ModuleVal, NativeVal, PyRaise, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

Args = list[Value]
Kwargs = dict[str, Value]


class FileLoader:
    """The loader of a module that is a file."""

    def __init__(self, name: str, file: str) -> None:
        self.name, self.file = name, file

    def method(self, name: str) -> Value:
        """`exec_module` and `load_module`; the rest is not known."""
        known = {"exec_module": self._exec, "load_module": self._load, "create_module": _none}
        return NativeVal(name, known[name]) if name in known else UNKNOWN

    def _exec(self, machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        if args and isinstance(args[0], ModuleVal):
            machine.execute_file(args[0], self.file)
        return None

    def _load(self, machine: Machine, args: Args, kwargs: Kwargs) -> Value:
        module = ModuleVal(self.name, self.file)
        machine.replace_module(self.name, module)
        machine.execute_file(module, self.file)
        return module


def _none(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    return None


def load_by_spec(machine: Machine, name: str, spec: Spec) -> None:
    """Makes a module by a loader of the target, as `importlib._bootstrap` does. Raises PyRaise."""
    maker = machine.attribute(spec.loader, "create_module", default=None)
    made = machine.call(maker, [spec], {}) if maker is not None else None
    if made is UNKNOWN:
        made = ModuleVal(name, depth="native", open=True)
    elif not isinstance(made, (ModuleVal, InstanceVal)):
        made = ModuleVal(name, namespace={"__spec__": spec, "__name__": name})
    machine.modules[name] = made
    try:
        machine.call(machine.attribute(spec.loader, "exec_module", default=UNKNOWN), [made], {})
    except PyRaise:
        machine.modules.pop(name, None)
        raise
    parent, _, tail = name.rpartition(".")
    owner = machine.modules.get(parent)
    if isinstance(owner, ModuleVal):
        owner.namespace[tail] = machine.modules.get(name, UNKNOWN)
    elif isinstance(owner, InstanceVal):
        owner.attributes[tail] = machine.modules.get(name, UNKNOWN)


def _module_spec(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    if not args or not isinstance(args[0], str):
        return UNKNOWN
    loader = args[1] if len(args) > 1 else kwargs.get("loader")
    return Spec(args[0], loader, kwargs.get("loader_state"), kwargs.get("origin"))


def _from_file(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    name = args[0] if args else kwargs.get("name")
    file = args[1] if len(args) > 1 else kwargs.get("location")
    if not isinstance(name, str) or file is None or file is UNKNOWN:
        return UNKNOWN
    search = kwargs.get("submodule_search_locations")
    return Spec(name, kwargs.get("loader"), origin=posixpath.normpath(str(file)), search=search)


def _from_spec(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    spec = args[0] if args else UNKNOWN
    if not isinstance(spec, Spec):
        return UNKNOWN
    file = spec.origin if isinstance(spec.origin, str) else None
    search = list(spec.search) if isinstance(spec.search, (list, tuple)) else None
    return ModuleVal(spec.name, file, search, {"__name__": spec.name, "__spec__": spec})


def _resolve_name(machine: Machine, args: Args, kwargs: Kwargs) -> Value:
    """`pkgutil.resolve_name`: `package.module:object`, or dots only, where the modules end is tried out."""
    name = args[0] if args else UNKNOWN
    if not isinstance(name, str):
        return UNKNOWN
    here, line = machine.caller.module if machine.caller is not None else None, machine.line
    origin, colon, path = name.partition(":")
    parts = path.split(".") if path else []
    if not colon:
        origin, *parts = name.split(".")
    value = machine.import_origin(origin, here, line)
    while parts and not colon:
        origin = f"{origin}.{parts[0]}"
        try:
            value = machine.import_origin(origin, here, line)
        except PyRaise as error:
            if error.is_a(ImportError) is not True:
                raise
            break
        del parts[0]
    for part in parts:
        value = machine.attribute(value, part, here, line)
    return value


def found_of(module: ModuleVal, file: str) -> Found:
    """The module as the import system would have found it at `file`."""
    kind = "source" if file.endswith(".py") else "bytecode" if file.endswith(".pyc") else "extension"
    return Found(module.name, kind, file, None if module.search is None else tuple(module.search))


LOADER_FUNCTIONS: dict[str, Callable[[Machine, Args, Kwargs], Value]] = {
    "importlib.util.spec_from_loader": _module_spec,
    "importlib.machinery.ModuleSpec": _module_spec,
    "importlib.util.spec_from_file_location": _from_file,
    "importlib.util.module_from_spec": _from_spec,
    "pkgutil.resolve_name": _resolve_name,
}
