"""The import system of the patient, run on paper: `sys.modules`, finding, loading, and what `from x import y` gives.

It follows CPython's `importlib`: a parent is imported before its child, a failed module leaves `sys.modules`,
a module being loaded is seen half-filled (circular imports), a package's submodule is tried where a name is missing.
"""

from __future__ import annotations

import ast
import types
from typing import Any

from doctor.facts import Cause
from doctor.link import objects
from doctor.link.frame import Frame
from doctor.link.functions import is_generator
from doctor.link.lazy import LazyModules
from doctor.link.reader import Found, Reader, SourceProblem
from doctor.link.surface import Surface
from doctor.link.values import (
    UNKNOWN,
    BoundVal,
    ClassVal,
    FuncVal,
    InstanceVal,
    ModuleVal,
    NamespaceVal,
    NativeVal,
    OutOfFuel,
    PyRaise,
    Value,
)  # fmt: skip

FUEL = 3_000_000


class Machine:
    """One process of the patient: what has been imported so far, and the means to import more."""

    def __init__(self, reader: Reader, *, lenient: bool = False) -> None:
        from doctor.link.builtin_names import builtin_names
        from doctor.link.library import Library

        self.reader = reader
        self.lenient = lenient  # takes what is missing to be there, to see what comes after it
        self.modules: dict[str, Value] = {}
        self.failed: dict[str, PyRaise] = {}
        self.stack: list[str] = []
        self.frames: list[tuple[ModuleVal, int]] = []
        self.fuel = FUEL
        self.depth = 0
        self.line = 0
        self.finders: list[Value] = []
        self.path = frozenset(reader.paths)
        self.caller: Frame | None = None
        self.guards = 0
        self.uses: dict[tuple[str, str, str | None], None] = {}
        self._tainted: dict[int, Any] = {}
        self._stood_for: dict[int, ModuleVal] = {}
        self._bodies: dict[int, list[ast.stmt] | None] = {}
        self.lazy = LazyModules(self)
        self.library = Library(self)
        self.builtins = builtin_names(self)
        self.modules["os.path"] = self.library.table["os.path"]

    # -- importing ----------------------------------------------------------------------------------------------

    def import_module(self, name: str, importer: ModuleVal | None, line: int = 0) -> Value:
        """`import name`: gives the top-level module. Raises PyRaise(ModuleNotFoundError) and whatever loading raises."""
        self._note_use(importer, name, None)
        self._load(name, importer, line)
        return self.modules.get(name.partition(".")[0], UNKNOWN)

    def import_origin(self, name: str, importer: ModuleVal | None, line: int = 0) -> Value:
        """The module `name` itself, as `from name import ...` or `importlib.import_module` needs it."""
        self._load(name, importer, line)
        return self.modules.get(name, UNKNOWN)

    def imported_as(self, name: str, importer: ModuleVal, line: int) -> Value:
        """What `import a.b.c as d` binds."""
        return self.modules.get(name, UNKNOWN)

    def resolve(self, name: str, level: int, importer: ModuleVal, line: int) -> str:
        """The absolute name of a relative import."""
        if not level:
            return name
        parts = importer.package.split(".") if importer.package else []
        if level > len(parts):
            text = "attempted relative import beyond top-level package"
            raise PyRaise(ImportError, text, self.cause("error", importer.name, None, importer, line, text=text))
        base = ".".join(parts[: len(parts) - level + 1])
        return f"{base}.{name}" if name else base

    def _note_use(self, importer: ModuleVal | None, module: str, name: str | None) -> None:
        """Remembers what one distribution takes from another where nothing catches its absence."""
        if importer is not None and not self.guards and importer.depth == "full":
            top = importer.name.partition(".")[0]
            if top != module.partition(".")[0] and not importer.is_stdlib:
                self.uses[(top, module, name)] = None

    def _load(self, name: str, importer: ModuleVal | None, line: int) -> None:
        if name in self.modules:
            if self.modules[name] is None:
                raise self._not_found(name, importer, line)
            return
        if name in self.failed:
            raise self._again(self.failed[name])
        parent_name, _, tail = name.rpartition(".")
        search: list[str] | None = None
        if parent_name:
            self._load(parent_name, importer, line)
            if name in self.modules:
                return
            parent_val = self.modules.get(parent_name)
            if isinstance(parent_val, ModuleVal) and parent_val.depth == "native":
                self.modules[name] = ModuleVal(name, depth="native", open=True)  # registered by the extension itself
                return
            search = self._search_of(parent_val)
            if search is None and self.modules.get(parent_name) is not UNKNOWN:
                if not self._from_finders(name, importer, line):
                    raise self._not_found(name, importer, line, f"{parent_name!r} is not a package")
                return
        found = self.reader.find(name, search) or (self._beside(name) if search is None else None)
        if found is None and self.lenient and parent_name:
            self.modules[name] = ModuleVal(name, depth="native", open=True)
            return
        if found is None:
            if self._from_finders(name, importer, line):
                return
            if not self._may_be_elsewhere(name, importer, line):
                raise self._not_found(name, importer, line)
            return
        self._execute(found, importer, line)
        parent = self.modules.get(parent_name)
        if isinstance(parent, ModuleVal):
            parent.namespace[tail] = self.modules.get(name, UNKNOWN)
        elif isinstance(parent, InstanceVal):
            parent.attributes[tail] = self.modules.get(name, UNKNOWN)

    def _beside(self, name: str) -> Found | None:
        """A top-level module in a folder that the patient's code put on `sys.path`."""
        path = self.library.table["sys.path"]
        extra = [p for p in path if isinstance(p, str) and p not in self.path]
        return self.reader.find(name, extra) if extra else None

    def _may_be_elsewhere(self, name: str, importer: ModuleVal | None, line: int) -> bool:
        """Whether the patient added folders to `sys.path` that we do not know; then the module may be in one."""
        if "." in name or not self.is_tainted(self.library.table["sys.path"]):
            return False
        self.modules[name] = ModuleVal(name, depth="native", open=True)
        if importer is not None:
            self.doubt(importer, line, self._not_found(name, importer, line))
        return True

    def _search_of(self, parent: Value) -> list[str] | None:
        if isinstance(parent, ModuleVal):
            path = parent.namespace.get("__path__", parent.search)
            return list(path) if isinstance(path, (list, tuple)) else parent.search
        if isinstance(parent, InstanceVal):
            path = parent.attributes.get("__path__")
            stood = self._stood_for.get(id(parent))
            return list(path) if isinstance(path, (list, tuple)) else stood.search if stood is not None else None
        return None

    def _execute(self, found: Found, importer: ModuleVal | None, line: int) -> None:
        module = ModuleVal(found.name, found.file, None if found.search is None else list(found.search))
        self.modules[found.name] = module
        module.loading = True
        self.stack.append(found.name)
        saved = self.fuel, self.depth, self.line, self.guards
        self.fuel, self.depth, self.guards = FUEL, 0, 0
        try:
            self._fill(module, found, importer, line)
        except PyRaise as error:
            self.modules.pop(found.name, None)
            if not self._is_circular(error):
                self.failed[found.name] = error
            raise
        finally:
            module.loading = False
            self.stack.pop()
            self.fuel, self.depth, self.line, self.guards = saved

    def _fill(self, module: ModuleVal, found: Found, importer: ModuleVal | None, line: int) -> None:
        if found.kind == "extension" and found.file is not None:
            module.depth, module.open = "native", True
            cause = self.reader.native(found.file, tuple(self.modules))
            if cause is not None:
                raise PyRaise(ImportError, cause.text or cause.name, self.located(cause, importer, line))
        elif found.kind in ("stdlib", "bytecode", "namespace") or found.file is None:
            module.is_stdlib = found.kind == "stdlib"
            module.depth = "surface" if found.kind == "stdlib" and found.file else module.depth
            module.open = found.kind == "bytecode" or (found.kind == "stdlib" and found.file is None)
            self._read_surface(module)
        elif self.reader.surface(found.distribution):
            self._scan(module)
        else:
            self._interpret(module, importer, line)

    def _read_surface(self, module: ModuleVal) -> None:
        if module.depth == "surface" and module.file is not None:
            try:
                module.surface = Surface(self.reader.text(module.file))
            except SourceProblem:
                module.open = True

    def _scan(self, module: ModuleVal) -> None:
        """Follows what a foundation imports first; where that fails, the truth is found by interpreting it."""
        module.depth, module.foundation = "surface", True
        self._read_surface(module)
        if module.surface is not None and module.search is not None and module.surface.moves_paths:
            module.depth, module.surface = "full", None
            self._interpret(module, None, 0)
            return
        for one in module.surface.imports() if module.surface is not None else ():
            try:
                origin = self.resolve(one.origin, one.level, module, one.line)
                target = self.import_origin(origin, module, one.line)
                for name in one.names or ():
                    if name != "*":
                        self.import_name(target, name, module, one.line)
            except PyRaise:
                module.depth, module.surface = "full", None
                self._interpret(module, None, 0)
                return

    def _interpret(self, module: ModuleVal, importer: ModuleVal | None, line: int) -> None:
        from doctor.link.statements import run_block

        file = module.file or ""
        try:
            tree = self.reader.parse(file)
        except SourceProblem as problem:
            if problem.fatal:
                cause = self.cause("error", module.name, None, module, problem.line or 0, "SyntaxError", str(problem))
                raise PyRaise(SyntaxError, str(problem), cause) from None
            module.open = True
            module.doubts.append(str(problem))
            return
        module.namespace.update(
            __name__=module.name, __file__=file, __doc__=UNKNOWN, __package__=module.package, __spec__=UNKNOWN
        )
        if module.search is not None:
            module.namespace["__path__"] = list(module.search)
        try:
            run_block(self, tree.body, Frame(module, module.namespace))
        except (OutOfFuel, RecursionError):
            module.open = True
            module.doubts.append("its code is too long-winded to be followed to the end")

    def _from_finders(self, name: str, importer: ModuleVal | None, line: int) -> bool:
        """Asks the patient's own `sys.meta_path` finders, where it added any."""
        for finder in self.finders:
            find = self.attribute(finder, "find_spec", default=None)
            if find is None or find is UNKNOWN:
                continue
            spec = self.call(find, [name, None, None], {})
            if isinstance(spec, objects.Spec):
                module = ModuleVal(name, namespace={"__spec__": spec, "__name__": name})
                self.modules[name] = module
                try:
                    self.call(self.attribute(spec.loader, "exec_module"), [module], {})
                except PyRaise:
                    self.modules.pop(name, None)
                    raise
                return True
        return False

    # -- names out of modules ------------------------------------------------------------------------------------

    def import_name(self, module: Value, name: str, importer: ModuleVal, line: int) -> Value:
        """What `from module import name` binds. Raises PyRaise(ImportError) as Python does."""
        self._note_use(importer, self.name_of(module), name)
        try:
            return self.attribute(module, name, importer, line, importing=True)
        except PyRaise as error:
            if error.is_a(AttributeError) is not True:
                raise
        full = f"{self.name_of(module)}.{name}"
        if self._search_of(module) is not None:
            try:
                self._load(full, importer, line)
            except PyRaise as error:
                if not (error.is_a(ModuleNotFoundError) and error.cause is not None and error.cause.module == full):
                    raise
        if full in self.modules:
            return self.modules[full]
        if self.lenient:
            return UNKNOWN
        raise self._no_name(module, name, importer, line)

    def import_star(self, module: Value, importer: ModuleVal, names: dict[str, Value], line: int) -> None:
        """`from module import *` into `names`."""
        if not isinstance(module, ModuleVal) or module.depth != "full" or module.is_stdlib:
            importer.open = True
            return
        exported = module.namespace.get("__all__")
        if isinstance(exported, (list, tuple)) and not self.is_tainted(exported):
            for name in exported:
                if isinstance(name, str):
                    names[name] = self.import_name(module, name, importer, line)
        else:
            names.update({k: v for k, v in module.namespace.items() if not k.startswith("_")})
        importer.open = importer.open or module.open

    def attribute(self, owner: Value, name: str, importer: ModuleVal | None = None, line: int = 0, **how: Any) -> Value:
        """`owner.name`; `default=` as in `getattr`. Raises PyRaise(AttributeError) where it is certain to be missing."""
        importing = bool(how.get("importing"))
        try:
            if isinstance(owner, ModuleVal):
                return self._module_attribute(owner, name, importing=importing)
            return objects.attribute(self, owner, name)
        except PyRaise as error:
            if "default" in how and error.is_a(AttributeError) is True:
                return how["default"]
            if error.cause is None and importer is not None and not importing:
                error.cause = self.cause("missing-name", self.name_of(owner), name, importer, line, "AttributeError")
            raise

    def _module_attribute(self, module: ModuleVal, name: str, *, importing: bool) -> Value:
        modelled = self.library.attribute(module.name, name)
        if modelled is not UNKNOWN:
            return modelled
        if name in module.namespace:
            return module.namespace[name]
        if name == "__dict__":
            return NamespaceVal(module)
        getter = module.namespace.get("__getattr__")
        if isinstance(getter, FuncVal):
            return self.call(getter, [name], {})
        if module.is_stdlib and module.search is not None and self._is_submodule(module, name):
            self._load(f"{module.name}.{name}", None, 0)
            return self.modules[f"{module.name}.{name}"]
        if module.surface is not None:
            surface: Surface = module.surface
            if surface.binds(name):
                return self._surface_value(module, name)
            if surface.dynamic or not importing or not self._promote(module):
                return UNKNOWN if not (importing and self._is_submodule(module, name)) else self._absent(module, name)
            return self._module_attribute(module, name, importing=importing)
        if module.open or getter is not None or (module.foundation and not importing):
            return UNKNOWN if not self._is_submodule(module, name) else self._absent(module, name)
        return self._absent(module, name)

    def _promote(self, module: ModuleVal) -> bool:
        """Interprets a module that was only looked at, before anything is said against it."""
        module.surface, module.depth = None, "full"
        try:
            self._interpret(module, None, 0)
        except PyRaise:
            module.open = True
        return True

    def _is_submodule(self, module: ModuleVal, name: str) -> bool:
        search = self._search_of(module)
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

    # -- errors --------------------------------------------------------------------------------------------------

    def cause(
        self, kind: Any, module: str, name: str | None, at: ModuleVal | None, line: int,
        error: str = "ImportError", text: str = "",
    ) -> Cause:  # fmt: skip
        """A cause at this statement, with the chain of modules that are being imported."""
        file = at.file if at is not None else None
        return Cause(kind, module, name, file, line or None, tuple(self.stack), error, text)

    def located(self, cause: Cause, importer: ModuleVal | None, line: int) -> Cause:
        """The loader's cause, placed at the import statement that would meet it."""
        return self.cause(cause.kind, cause.module, cause.name, importer, line, cause.error, cause.text)

    def _not_found(self, name: str, importer: ModuleVal | None, line: int, why: str = "") -> PyRaise:
        """The error of a module that is nowhere."""
        text = f"No module named {name!r}" + (f"; {why}" if why else "")
        cause = self.cause("missing-module", name, None, importer, line, "ModuleNotFoundError", text)
        return PyRaise(ModuleNotFoundError, text, cause)

    def _no_name(self, module: Value, name: str, importer: ModuleVal, line: int) -> PyRaise:
        origin = self.name_of(module)
        half = "partially initialized module " if isinstance(module, ModuleVal) and module.loading else ""
        text = f"cannot import name {name!r} from {half}{origin!r}"
        return PyRaise(ImportError, text, self.cause("missing-name", origin, name, importer, line, "ImportError", text))

    def _is_circular(self, error: PyRaise) -> bool:
        return "partially initialized" in (error.message or "")

    def _again(self, error: PyRaise) -> PyRaise:
        """The same failure met once more, from another chain of imports."""
        cause = error.cause
        if cause is not None and cause.chain:
            at = next((i for i, m in enumerate(cause.chain) if m not in self.stack), len(cause.chain) - 1)
            cause = Cause(cause.kind, cause.module, cause.name, cause.file, cause.line,
                          (*self.stack, *cause.chain[at:]), cause.error, cause.text)  # fmt: skip
        return PyRaise(error.kind, error.message, cause)

    def raised_here(self, error: PyRaise, module: ModuleVal, line: int) -> Cause:
        """The cause of an exception that the patient's own `raise` starts."""
        return self.cause("error", module.name, None, module, line, error.name, error.message or "")

    def doubt(self, module: ModuleVal, line: int, error: PyRaise) -> None:
        """Remembers that this module's import depends on something that is not known."""
        if error.is_a(ImportError) is True:
            module.doubts.append(f"line {line}: {error.name}: {error.message or ''}")

    def exception_kind(self, value: Value) -> Value:
        """The class that `raise value` raises."""
        if isinstance(value, ClassVal) or (isinstance(value, type) and issubclass(value, BaseException)):
            return value
        return UNKNOWN

    # -- objects -------------------------------------------------------------------------------------------------

    def call(
        self, func: Value, args: list[Value], kwargs: dict[str, Value], frame: Frame | None = None, line: int = 0
    ) -> Value:
        """`func(*args, **kwargs)`; UNKNOWN for what we do not model. `frame` is the caller's."""
        return objects.call(self, func, args, kwargs, frame, line)

    def item(self, owner: Value, key: Value, frame: Frame, line: int) -> Value:
        """`owner[key]`."""
        return objects.item(self, owner, key)

    def items(self, value: Value) -> list[Value] | None:
        """What iterating over the value gives; None where that is not known."""
        return objects.items(self, value)

    def function_body(self, func: FuncVal) -> list[ast.stmt] | None:
        """The statements of a function; None where they cannot be read."""
        node = func.node
        if isinstance(node, ast.Lambda):
            return None
        if id(node) not in self._bodies:
            try:
                body = self.reader.body(func.module.file or "", node)
                self._bodies[id(node)] = None if is_generator(body) and not func.manages_context else body
            except SourceProblem:
                self._bodies[id(node)] = None
        return self._bodies[id(node)]

    def replace_module(self, name: str, value: Value) -> None:
        """`sys.modules[name] = value`."""
        before = self.modules.get(name)
        if isinstance(before, ModuleVal) and isinstance(value, InstanceVal):
            self._stood_for[id(value)] = before  # what such objects do not have, they take from the module
        self.modules[name] = value
        parent, _, tail = name.rpartition(".")
        owner = self.modules.get(parent)
        if isinstance(owner, ModuleVal) and isinstance(value, (ModuleVal, InstanceVal)):
            owner.namespace.setdefault(tail, value)

    def name_of(self, value: Value) -> str:
        """A module's name, for messages."""
        if isinstance(value, ModuleVal):
            return value.name
        if isinstance(value, InstanceVal):
            name = value.attributes.get("__name__", value.attributes.get("_name"))
            return name if isinstance(name, str) else value.cls.name
        return "?"

    def burn(self, module: ModuleVal, line: int) -> None:
        """Takes a step; the work for one module is bounded."""
        self.fuel -= 1
        if line:
            self.line = line
        if self.fuel < 0:
            raise OutOfFuel

    def taint(self, container: Value) -> None:
        """Notes that a container holds more than we know."""
        self._tainted[id(container)] = container

    def is_tainted(self, container: Value) -> bool:
        """Whether a container may hold more than we know."""
        return id(container) in self._tainted

    def is_plain(self, value: Value) -> bool:
        """Whether the value is one of Python's own, safe to compute with."""
        return objects.is_plain(value)

    def is_key(self, value: Value) -> bool:
        """Whether the value can be a dictionary's key."""
        return objects.is_key(value)

    def truth_of_object(self, value: Value) -> bool | None:
        """The truth of something that is not plain."""
        return None if isinstance(value, (InstanceVal, NamespaceVal)) else True

    def contains(self, container: Value, item: Value) -> bool | None:
        """`item in container` for what is not plain."""
        return None if isinstance(item, types.ModuleType) else objects.contains(self, container, item)

    def text_of(self, value: Value) -> str | None:
        """`str(value)`, where known."""
        if isinstance(value, PyRaise):
            return value.message
        known = self.is_plain(value) and isinstance(value, (str, int, float, bool, type(None)))
        return str(value) if known or objects.is_version(value) else None

    def is_native(self, value: Value, name: str) -> bool:
        """Whether the value is the modelled function of this name."""
        return isinstance(value, NativeVal) and value.name == name

    def is_callable(self, value: Value) -> bool | None:
        """`callable(value)`."""
        if value is UNKNOWN or isinstance(value, InstanceVal):
            return None
        return isinstance(value, (FuncVal, BoundVal, NativeVal, ClassVal, type))
