"""What one process of the patient holds, and how its failures are put into words."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doctor.base.secrets.hide import redact_text
from doctor.facts import Cause
from doctor.link.python.edges import Edges
from doctor.link.python.getters import Served
from doctor.link.python.reader import Reader
from doctor.link.python.values import (
    UNKNOWN,
    ClassVal,
    InstanceVal,
    ModuleVal,
    NativeVal,
    OutOfFuel,
    PyRaise,
    Value,
)  # fmt: skip

if TYPE_CHECKING:
    from doctor.link.python.frame import Frame
    from doctor.link.python.lazy import LazyModules
    from doctor.link.python.library import Library

# Python's own finders, as one entry of `sys.meta_path`
IMPORT_SYSTEM = NativeVal("importlib finders", lambda machine, args, kwargs: UNKNOWN)
FUEL = 3_000_000
STRANGERS = 300_000  # for all modules of strangers together: about two seconds


class State:
    """`sys.modules` and everything else that lasts from one import to the next.

    `stack` are the modules being loaded, outermost first; `guards` counts the `try` blocks around the running
    statement that would catch a failed import; `fuel` is the work still allowed for the module being loaded.
    """

    lazy: LazyModules
    library: Library
    builtins: dict[str, Value]

    def __init__(self, reader: Reader, *, lenient: bool = False) -> None:
        self.reader = reader
        self.lenient = lenient  # takes what is missing to be there, to see what comes after it
        self.modules: dict[str, Value] = {}
        self.failed: dict[str, PyRaise] = {}
        self.met: dict[str, str] = {}  # failed modules, each with the outermost import that met the failure last
        self.doubtful: dict[str, str] = {}  # modules that load only after a failure, each with the reason
        self.stack: list[str] = []
        self.fuel = FUEL
        self.strange = ""  # the top-level name of modules that strangers wrote
        self.strange_fuel = STRANGERS
        self.depth = 0
        self.line = 0
        self.guards = 0
        self.uses: dict[tuple[str, str, str | None], None] = {}
        self.finders: list[Value] = [IMPORT_SYSTEM]  # what `sys.meta_path` is
        self.path = frozenset(reader.paths)
        self.path_owners: dict[str, str] = {}  # entries added to `sys.path`, each with the module that did it
        self.borrowed: dict[str, str] = {}  # top-level modules, each with the added entry of `sys.path` that has it
        self.planted: dict[str, str] = {}  # modules put into `sys.modules`, each with the module that did it
        self.elsewhere: dict[str, ModuleVal] = {}  # modules that may be in a folder that is not known
        self.outer_guards: list[int] = []  # for each module of `stack`, the guards around the import of it
        self.edges = Edges()
        self.served: Served = {}
        self.caller: Frame | None = None
        self.making: list[ClassVal] = []  # classes whose metaclass is at work
        self.bodies: dict[int, list[ast.stmt] | None] = {}
        self.costly: dict[int, Value] = {}  # decorators that cost too much to be followed, by the id of their code
        self.stood_for: dict[int, ModuleVal] = {}
        self._tainted: dict[int, Any] = {}

    def burn(self, line: int) -> None:
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

    def name_of(self, value: Value) -> str:
        """A module's name, for messages."""
        if isinstance(value, ModuleVal):
            return value.name
        if isinstance(value, InstanceVal):
            name = value.attributes.get("__name__", value.attributes.get("_name"))
            return name if isinstance(name, str) else value.cls.name
        return "?"

    def located(self, cause: Cause, importer: ModuleVal | None, line: int) -> Cause:
        """The cause placed at the statement that meets it, with the chain of modules that are being imported."""
        file = importer.file if importer is not None else None
        chain = tuple(self.stack)
        return Cause(cause.kind, cause.module, cause.name, file, line or None, chain, cause.error, cause.text)

    def not_found(self, name: str, importer: ModuleVal | None, line: int, why: str = "") -> PyRaise:
        """The error of a module that is nowhere."""
        text = f"No module named {name!r}" + (f"; {why}" if why else "")
        cause = Cause("missing-module", name, error="ModuleNotFoundError", text=text)
        return PyRaise(ModuleNotFoundError, text, self.located(cause, importer, line))

    def denied(self, module: ModuleVal, text: str, importer: ModuleVal | None, line: int) -> PyRaise:
        """The error of a module whose file or folder may not be read; who may read it can import it."""
        cause = Cause("error", module.name, error="PermissionError", text=text)
        return PyRaise(PermissionError, text, self.located(cause, importer, line))

    def no_name(self, module: Value, name: str, importer: ModuleVal, line: int) -> PyRaise:
        origin = self.name_of(module)
        half = "partially initialized module " if isinstance(module, ModuleVal) and module.loading else ""
        text = f"cannot import name {name!r} from {half}{origin!r}"
        return PyRaise(ImportError, text, self.located(Cause("missing-name", origin, name, text=text), importer, line))

    def again(self, error: PyRaise) -> PyRaise:
        """The same failure met once more, from another chain of imports."""
        cause = error.cause
        if cause is not None and cause.chain:
            at = next((i for i, m in enumerate(cause.chain) if m not in self.stack), len(cause.chain) - 1)
            cause = replace(cause, chain=(*self.stack, *cause.chain[at:]))
        return PyRaise(error.kind, error.message, cause)

    def raised_here(self, error: PyRaise, module: ModuleVal, line: int) -> Cause:
        """The cause of an exception that the patient's own `raise` starts."""
        cause = Cause("error", module.name, error=error.name, text=redact_text(error.message or ""))
        return self.located(cause, module, line)

    def doubt(self, module: ModuleVal, line: int, error: PyRaise) -> None:
        """Remembers that this module's import depends on something that is not known, unless a `try` would catch it."""
        if error.is_a(ImportError) is True and not self.guards:
            module.doubts.append(f"line {line}: {error.name}: {redact_text(error.message or '')}")

    def spread_doubt(self, reason: str) -> list[str]:
        """The same for all modules being loaded, out to the first `try` that would catch a failed import; which."""
        guards, met = self.guards, list[str]()
        for name, around in zip(reversed(self.stack), reversed(self.outer_guards), strict=True):
            module = self.modules.get(name)
            if guards:
                break
            if isinstance(module, ModuleVal):
                module.doubts.append(reason)
                met.append(name)
            guards = around
        return met

    def note_use(self, importer: ModuleVal | None, module: str, name: str | None) -> None:
        """Remembers what one distribution takes from another where nothing catches its absence."""
        if importer is not None and not self.guards:
            top = importer.name.partition(".")[0]
            if top != module.partition(".")[0] and not importer.is_stdlib:
                self.uses[(top, module, name)] = None
