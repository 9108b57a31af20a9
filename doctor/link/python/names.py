"""Names out of modules: what `from module import name` binds, and `module.name`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doctor.facts import Cause
from doctor.link.python import objects
from doctor.link.python.accelerators import is_foreign_backend
from doctor.link.python.getters import served
from doctor.link.python.state import State
from doctor.link.python.surface import Surface
from doctor.link.python.values import UNKNOWN, FuncVal, InstanceVal, ModuleVal, NamespaceVal, PyRaise, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

_OF_EVERY_MODULE = frozenset(
    ("__name__", "__package__", "__file__", "__path__", "__spec__", "__loader__", "__doc__", "__builtins__")
)


class Names(State):
    """Looks names up as `import` does: in the namespace, by `__getattr__`, as a submodule."""

    @property
    def machine(self) -> Machine:
        """The whole of which this is a part."""
        raise NotImplementedError

    def load(self, name: str, importer: ModuleVal | None, line: int) -> None:
        """Makes sure that a module is in `sys.modules`. Raises PyRaise."""
        raise NotImplementedError

    def interpret(self, module: ModuleVal) -> None:
        """Runs a module's statements. Raises PyRaise."""
        raise NotImplementedError

    def call(self, func: Value, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """`func(*args, **kwargs)`. Raises PyRaise."""
        raise NotImplementedError

    def import_name(self, module: Value, name: str, importer: ModuleVal, line: int) -> Value:
        """What `from module import name` binds. Raises PyRaise(ImportError) as Python does."""
        self.note_use(importer, self.name_of(module), name)
        full = f"{self.name_of(module)}.{name}"
        if full in self.modules and self.stack:
            self.edges.note(self.stack[-1], full)
        try:
            return self.attribute(module, name, importer, line, importing=True)
        except PyRaise as error:
            if error.is_a(AttributeError) is not True:
                raise
        if self.search_of(module) is not None:
            try:
                self.load(full, importer, line)
            except PyRaise as error:
                if not (error.is_a(ModuleNotFoundError) and error.cause is not None and error.cause.module == full):
                    raise
        if full in self.modules:
            return self.modules[full]
        if self.lenient:
            return UNKNOWN
        raise self.no_name(module, name, importer, line)

    def import_star(self, module: Value, importer: ModuleVal, names: dict[str, Value], line: int) -> None:
        """`from module import *` into `names`."""
        exports = self.reader.compiled_exports(module.name) if isinstance(module, ModuleVal) else None
        if exports is not None:
            names.update(dict.fromkeys((n for n in exports if not n.startswith("_")), UNKNOWN))
            return
        if isinstance(module, ModuleVal) and module.surface is not None:
            self._promote(module)
        if not isinstance(module, ModuleVal) or module.depth != "full":
            importer.open = True
            return
        exported = module.namespace.get("__all__")
        if isinstance(exported, (list, tuple)) and not self.is_tainted(exported):
            for name in exported:
                if isinstance(name, str):
                    names[name] = self.import_name(module, name, importer, line)
        else:
            names.update({k: self._modeled(module, k, v) for k, v in module.namespace.items() if not k.startswith("_")})
        importer.open = importer.open or module.open

    def _modeled(self, module: ModuleVal, name: str, value: Value) -> Value:
        """The value of a module's name, as modelled where it is: a star import takes that too."""
        modeled = self.library.attribute(module.name, name)
        return value if modeled is UNKNOWN else modeled

    def attribute(self, owner: Value, name: str, importer: ModuleVal | None = None, line: int = 0, **how: Any) -> Value:
        """`owner.name`; `default=` as in `getattr`. Raises PyRaise(AttributeError) where it is sure to be missing."""
        importing = bool(how.get("importing"))
        try:
            if isinstance(owner, ModuleVal):
                return self._module_attribute(owner, name, importing=importing)
            return objects.attribute(self.machine, owner, name)
        except PyRaise as error:
            if "default" in how and error.is_a(AttributeError) is True:
                return how["default"]
            if error.cause is None and importer is not None and not importing:
                cause = Cause("missing-name", self.name_of(owner), name, error="AttributeError")
                error.cause = self.located(cause, importer, line)
            raise

    def _module_attribute(self, module: ModuleVal, name: str, *, importing: bool) -> Value:
        modeled = self.library.attribute(module.name, name)
        if modeled is not UNKNOWN:
            return modeled
        if name in module.namespace:
            return module.namespace[name]
        if name == "__dict__":
            return NamespaceVal(module)
        if is_foreign_backend(module.name, name, self.reader.version):
            return self._absent(module, name)
        if name in _OF_EVERY_MODULE:
            return self._own_name(module, name)
        getter = module.namespace.get("__getattr__")
        if isinstance(getter, FuncVal):
            try:
                return served(self, module, getter, name)
            except PyRaise as error:
                if not module.open or error.is_a(AttributeError) is not True:
                    raise
        if module.is_stdlib and module.search is not None and self._is_submodule(module, name):
            self.load(f"{module.name}.{name}", None, 0)
            return self.modules[f"{module.name}.{name}"]
        if module.surface is not None:
            return self._surface_attribute(module, name, importing=importing)
        return self._hidden_attribute(module, name, open_to_more=not importing)

    def _own_name(self, module: ModuleVal, name: str) -> Value:
        """A name that the import system gives to modules."""
        if name == "__path__":
            known_path = self.search_of(module)
            return known_path if known_path is not None else UNKNOWN if module.open else self._absent(module, name)
        known = {"__name__": module.name, "__package__": module.package, "__file__": module.file or UNKNOWN}
        return known.get(name, UNKNOWN)

    def _surface_attribute(self, module: ModuleVal, name: str, *, importing: bool) -> Value:
        """A name of a module that was only looked at as text."""
        surface: Surface = module.surface
        if surface.binds(name):
            return self._surface_value(module, name)
        if not importing:
            return UNKNOWN
        if self._is_submodule(module, name):
            return self._absent(module, name)
        self._promote(module)
        return self._module_attribute(module, name, importing=importing)

    def _hidden_attribute(self, module: ModuleVal, name: str, *, open_to_more: bool) -> Value:
        """A name that nothing we followed has bound: UNKNOWN where something else may have, else absent."""
        if module.open and module.is_stdlib and (exports := self.reader.compiled_exports(module.name)) is not None:
            return UNKNOWN if name in exports else self._absent(module, name)
        if name in module.maybe:
            return UNKNOWN
        if module.open or "__getattr__" in module.namespace or (module.foundation and open_to_more):
            return UNKNOWN if not self._is_submodule(module, name) else self._absent(module, name)
        return self._absent(module, name)

    def _promote(self, module: ModuleVal) -> None:
        """Interprets a module that was only looked at, before anything is said against it."""
        module.surface, module.depth = None, "full"
        before, module.loading = module.loading, True  # its own functions are followed while it is filled
        try:
            self.interpret(module)
        except PyRaise:
            module.open = True
        finally:
            module.loading = before

    def _is_submodule(self, module: ModuleVal, name: str) -> bool:
        search = self.search_of(module)
        return search is not None and self.reader.find(f"{module.name}.{name}", search) is not None

    def _absent(self, module: ModuleVal, name: str) -> Value:
        full = f"{module.name}.{name}"
        if full in self.modules:
            return self.modules[full]
        raise PyRaise(AttributeError, f"module '{module.name}' has no attribute '{name}'")

    def _surface_value(self, module: ModuleVal, name: str) -> Value:
        if name == "__version__":
            for owner in self.reader.owners(module.name.partition(".")[0]):
                version = self.reader.build(owner) or self.reader.version(owner)
                if version and "." not in module.name:
                    return version
        full = f"{module.name}.{name}"
        return self.modules.get(full, UNKNOWN)

    def search_of(self, parent: Value) -> list[str] | None:
        """The folders of a package's submodules; None for what is no package."""
        if isinstance(parent, ModuleVal):
            path = parent.namespace.get("__path__", parent.search)
            return list(path) if isinstance(path, (list, tuple)) else parent.search
        if isinstance(parent, InstanceVal):
            path = parent.attributes.get("__path__")
            stood = self.stood_for.get(id(parent))
            return list(path) if isinstance(path, (list, tuple)) else stood.search if stood is not None else None
        return None
