"""Importing: finding a module, running it, and what is left in `sys.modules` when that fails.

As CPython's `importlib`: a parent is imported before its child, a failed module leaves `sys.modules`, a module being
loaded is seen half-filled (circular imports).
"""

from __future__ import annotations

from doctor.facts import Cause
from doctor.link.python import objects
from doctor.link.python.frame import Frame
from doctor.link.python.loaders import found_of, load_by_spec
from doctor.link.python.names import Names
from doctor.link.python.reader import Found, SourceProblem
from doctor.link.python.search import find_top, is_out_of_sight, may_hold_more, note_owner
from doctor.link.python.state import FUEL, IMPORT_SYSTEM
from doctor.link.python.surface import OUTLINE, Surface, outline
from doctor.link.python.values import UNKNOWN, InstanceVal, ModuleVal, OutOfFuel, PyRaise, Value


class Importer(Names):
    """The import statement."""

    def import_module(self, name: str, importer: ModuleVal | None, line: int = 0) -> Value:
        """`import name`: gives the top-level module. Raises PyRaise where the import fails."""
        self.note_use(importer, name, None)
        self.load(name, importer, line)
        top = name.partition(".")[0]
        if top not in self.modules:  # it failed before and left this submodule behind; the statement imports it anew
            self.load(top, importer, line)
        return self.modules.get(top, UNKNOWN)

    def import_origin(self, name: str, importer: ModuleVal | None, line: int = 0) -> Value:
        """The module `name` itself, as `from name import ...` or `importlib.import_module` needs it."""
        self.load(name, importer, line)
        return self.modules.get(name, UNKNOWN)

    def resolve(self, name: str, level: int, importer: ModuleVal, line: int) -> str:
        """The absolute name of a relative import."""
        if not level:
            return name
        parts = importer.package.split(".") if importer.package else []
        if level > len(parts):
            text = "attempted relative import beyond top-level package"
            raise PyRaise(ImportError, text, self.located(Cause("error", importer.name, text=text), importer, line))
        base = ".".join(parts[: len(parts) - level + 1])
        return f"{base}.{name}" if name else base

    def load(self, name: str, importer: ModuleVal | None, line: int) -> None:
        """Makes sure that a module is in `sys.modules`. Raises PyRaise where the import fails."""
        if self.stack:
            self.edges.note(self.stack[-1], name)
        if name in self.modules:
            self._again(name, importer, line)
            return
        if name in self.failed:
            self.met[name] = self.stack[0] if self.stack else name
            raise self.again(self.failed[name])
        parent_name, _, tail = name.rpartition(".")
        search: list[str] | None = None
        if parent_name:
            self.load(parent_name, importer, line)
            if name in self.modules or self._made_by_extension(name, parent_name):
                return
            search = self.search_of(self.modules.get(parent_name))
            if search is None and self.modules.get(parent_name) is not UNKNOWN:
                if not self._from_finders(name):
                    raise self.not_found(name, importer, line, f"{parent_name!r} is not a package")
                return
        if self.finders[0] is not IMPORT_SYSTEM and self._from_finders(name, first=True, path=search):
            return
        found = find_top(self, name) if search is None else self.reader.find(name, search)
        if found is None:
            self._otherwise(name, importer, line)
            return
        self._execute(found, importer, line)
        parent = self.modules.get(parent_name)
        if isinstance(parent, ModuleVal):
            parent.namespace[tail] = self.modules.get(name, UNKNOWN)
        elif isinstance(parent, InstanceVal):
            parent.attributes[tail] = self.modules.get(name, UNKNOWN)

    def _again(self, name: str, importer: ModuleVal | None, line: int) -> None:
        """A module that is in `sys.modules`. Raises PyRaise where the statement would not find it there."""
        if self.modules[name] is None:
            raise self.not_found(name, importer, line)
        if (self.borrowed or self.planted) and is_out_of_sight(self, name):
            raise self.not_found(name.partition(".")[0], importer, line)
        if self.failed or self.doubtful:
            self._doubt_left_behind(name)

    def _doubt_left_behind(self, name: str) -> None:
        """A module that its failing package has left loaded: a new process meets the failure before it.

        Not where the outermost import has met the failure itself; there, as in Python, a second try loads the module.
        """
        if not self.stack:
            return
        reason, package = self.doubtful.get(name), name.rpartition(".")[0]
        failed = self.failed
        while package and reason is None:
            if package in failed and package not in self.modules and self.met.get(package) != self.stack[0]:
                reason = f"`{package}` fails; only after that, `{name}` can be loaded"
            package = package.rpartition(".")[0]
        if reason is not None:
            self.doubtful.update(dict.fromkeys(self.spread_doubt(reason), reason))

    def _made_by_extension(self, name: str, parent_name: str) -> bool:
        """Submodules of extension modules are registered by the extension itself; they are taken to be there."""
        parent = self.modules.get(parent_name)
        if not isinstance(parent, ModuleVal) or parent.depth != "native":
            return False
        self.modules[name] = ModuleVal(name, depth="native", open=True)
        return True

    def _otherwise(self, name: str, importer: ModuleVal | None, line: int) -> None:
        """A module that is in no folder of the search path. Raises PyRaise where it is nowhere else either."""
        if self.lenient and "." in name:
            self.modules[name] = ModuleVal(name, depth="native", open=True)
        elif not self._from_finders(name) and not self._may_be_elsewhere(name, importer, line):
            raise self.not_found(name, importer, line)

    def _may_be_elsewhere(self, name: str, importer: ModuleVal | None, line: int) -> bool:
        """Whether the patient added folders to `sys.path` that we do not know; then the module may be in one."""
        if "." in name or not may_hold_more(self):
            return False
        self.elsewhere[name] = ModuleVal(name, depth="native", open=True)
        self.modules[name] = self.elsewhere[name]
        self.spread_doubt(f"`{name}` may be in a folder that the code adds to `sys.path`")
        return True

    def _execute(self, found: Found, importer: ModuleVal | None, line: int) -> None:
        module = ModuleVal(found.name, found.file, None if found.search is None else list(found.search))
        self.modules[found.name] = module
        if self.stack:
            note_owner(self, self.stack[-1])
        module.loading = True
        self.stack.append(found.name)
        saved = self.fuel, self.depth, self.line, self.guards
        self.outer_guards.append(self.guards)
        strange = bool(self.strange) and found.name.startswith(self.strange)
        given = self.strange_fuel if strange else FUEL
        self.fuel, self.depth, self.guards = given, 0, 0
        try:
            self._fill(module, found, importer, line)
        except PyRaise as error:
            self.modules.pop(found.name, None)  # what was loaded below it stays, as in Python
            if "partially initialized" not in (error.message or ""):
                self.failed[found.name] = PyRaise(error.kind, error.message, error.cause)  # without its traceback
                self.met[found.name] = self.stack[0]
            raise
        finally:
            module.loading = False
            note_owner(self, found.name)
            self.stack.pop()
            self.outer_guards.pop()
            if strange:
                self.strange_fuel = max(0, self.strange_fuel - (given - self.fuel))
            self.fuel, self.depth, self.line, self.guards = saved

    def execute_file(self, module: ModuleVal, file: str) -> None:
        """Runs a file in a module that the target's code has made. Raises PyRaise."""
        module.file = file
        self.stack.append(module.name)
        self.outer_guards.append(self.guards)
        module.loading = True
        try:
            self._fill(module, found_of(module, file), None, 0)
        finally:
            module.loading = False
            self.stack.pop()
            self.outer_guards.pop()

    def _fill(self, module: ModuleVal, found: Found, importer: ModuleVal | None, line: int) -> None:
        if found.kind == "unreadable":
            raise self.denied(module, f"Permission denied: {(found.search or ('',))[0]!r}", importer, line)
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
            self.interpret(module)

    def _read_surface(self, module: ModuleVal) -> None:
        if module.depth == "surface" and module.file is not None:
            file = module.file
            try:
                self.reader.text(file)
            except SourceProblem as problem:
                if problem.unreadable:
                    raise self.denied(module, f"{file} {problem}", None, 0) from None
                module.open = True
                module.doubts.append(str(problem))
            else:
                module.surface = Surface(lambda: self.reader.text(file))

    def _scan(self, module: ModuleVal) -> None:
        """Follows what a foundation imports first; where that fails, the truth is found by interpreting it."""
        module.depth, module.foundation = "surface", True
        self._read_surface(module)
        if module.surface is None:
            return
        full, imports = self.reader.said(module.file or "", OUTLINE, outline)
        if full:
            self._in_full(module)
            return
        for origin, level, names, line in imports:
            try:
                target = self.import_origin(self.resolve(origin, level, module, line), module, line)
                if names is not None:
                    self._scan_names(target, names, module, line)
            except PyRaise:
                self._in_full(module)
                return

    def _in_full(self, module: ModuleVal) -> None:
        module.depth, module.surface = "full", None
        self.interpret(module)

    def _scan_names(self, target: Value, names: list[str], module: ModuleVal, line: int) -> None:
        """Names that a foundation takes: from others they have to be there; within itself it is taken to fit itself."""
        if not isinstance(target, ModuleVal) or target.name.partition(".")[0] != module.name.partition(".")[0]:
            for name in names:
                if name != "*":
                    self.import_name(target, name, module, line)
        elif (search := self.search_of(target)) is not None:
            for name in names:
                full = f"{target.name}.{name}"
                if name != "*" and self.reader.find(full, search) is not None:
                    self.load(full, module, line)

    def interpret(self, module: ModuleVal) -> None:
        """Runs a module's statements. Raises PyRaise."""
        from doctor.link.python.statements import run_block

        file = module.file or ""
        try:
            tree = self.reader.parse(file)
        except SourceProblem as problem:
            if problem.fatal:
                cause = Cause("error", module.name, error="SyntaxError", text=str(problem))
                raise PyRaise(SyntaxError, str(problem), self.located(cause, module, problem.line or 0)) from None
            if problem.unreadable:
                raise self.denied(module, f"{file} {problem}", None, 0) from None
            module.open = True
            module.doubts.append(str(problem))
            return
        module.namespace.update(
            __name__=module.name, __file__=file, __doc__=UNKNOWN, __package__=module.package, __spec__=UNKNOWN
        )
        if module.search is not None:
            module.namespace["__path__"] = list(module.search)
        try:
            run_block(self.machine, tree.body, Frame(module, module.namespace))
        except (OutOfFuel, RecursionError):
            module.open = True
            module.doubts.append("its code is too complex to evaluate completely")

    def _from_finders(self, name: str, *, first: bool = False, path: list[str] | None = None) -> bool:
        """Asks the finders that the target put on `sys.meta_path`: `first` those before Python's own, or the rest."""
        at = next((i for i, f in enumerate(self.finders) if f is IMPORT_SYSTEM), 0)
        for finder in self.finders[:at] if first else self.finders[at + 1 :]:
            find = self.attribute(finder, "find_spec", default=None)
            if find is None or find is UNKNOWN:
                continue
            spec = self.call(find, [name, path, None], {})
            if isinstance(spec, objects.Spec):
                load_by_spec(self.machine, name, spec)
                return True
        return False

    def replace_module(self, name: str, value: Value) -> None:
        """`sys.modules[name] = value`."""
        before = self.modules.get(name)
        if before is None and self.stack:
            self.planted[name] = self.stack[-1]
        if isinstance(before, ModuleVal) and isinstance(value, InstanceVal):
            self.stood_for[id(value)] = before  # what such objects do not have, they take from the module
        self.modules[name] = value
        parent, _, tail = name.rpartition(".")
        owner = self.modules.get(parent)
        if isinstance(owner, ModuleVal) and isinstance(value, (ModuleVal, InstanceVal)):
            owner.namespace.setdefault(tail, value)
