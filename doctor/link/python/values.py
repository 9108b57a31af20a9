"""The values that the interpreter computes with.

Constants and containers are Python's own objects (str, int, tuple, list, dict, set ...); everything that belongs to
the patient is one of the classes below, and what cannot be known is `UNKNOWN`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import field
from typing import Any

from doctor.base.record import dataclass
from doctor.facts import Cause


class _Unknown:
    """The value of which nothing is known. It must never be asked for its truth."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise TypeError("UNKNOWN has no truth value")

    def __eq__(self, other: object) -> bool:
        raise TypeError("UNKNOWN was compared")

    __hash__ = object.__hash__


UNKNOWN = _Unknown()
Value = Any


@dataclass(eq=False, slots=True)
class ModuleVal:
    """A module of the patient.

    `namespace` is what its code has bound so far. `open` is true where it may hold more than we can see (extension
    modules, `globals().update(...)`, star imports from such). `search` are the folders of its submodules.
    `maybe` are names that code binds of which we cannot tell whether it runs.
    `depth`: `full` is interpreted, `surface` is only looked at as text, `native` is an extension module.
    """

    name: str
    file: str | None = None
    search: list[str] | None = None
    namespace: dict[str, Value] = field(default_factory=dict)
    depth: str = "full"
    open: bool = False
    loading: bool = False
    is_stdlib: bool = False
    foundation: bool = False
    maybe: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)
    surface: Any = None

    @property
    def package(self) -> str:
        """What relative imports in this module start from."""
        return self.name if self.search is not None else self.name.rpartition(".")[0]


@dataclass(eq=False, slots=True)
class FuncVal:
    """A function of the patient; its body is read when it is called. `scopes` are the enclosing function scopes."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    module: ModuleVal
    scopes: tuple[dict[str, Value], ...] = ()
    defaults: dict[str, Value] = field(default_factory=dict)
    manages_context: bool = False
    kind: str = "function"  # or "static", "class", "property"
    owner: ClassVal | None = None


@dataclass(eq=False, slots=True)
class ClassVal:
    """A class of the patient. `open` where a base or a decorator may bring attributes that we cannot see.

    `fields` are what the `__init__` of a dataclass takes, in order; None for other classes and where it is not known.
    """

    name: str
    module: ModuleVal
    bases: tuple[Value, ...] = ()
    namespace: dict[str, Value] = field(default_factory=dict)
    open: bool = False
    meta: Value = None
    order: list[Value] | None = None
    fields: tuple[str, ...] | None = None

    def mro(self) -> list[Value]:
        """This class and its bases in the order of look-ups, worked out once."""
        if self.order is None:
            self.order = [self, *_merged([*(_line(b) for b in self.bases), list(self.bases)])]
        return self.order


@dataclass(eq=False, slots=True)
class InstanceVal:
    """An instance of a patient's class."""

    cls: ClassVal
    attributes: dict[str, Value] = field(default_factory=dict)
    open: bool = False


@dataclass(eq=False, slots=True)
class BoundVal:
    """A method with its `self` (or its class)."""

    func: FuncVal
    self: Value


@dataclass(eq=False, slots=True)
class SuperVal:
    """`super()`: what `owner` (an instance or a class) has from the classes that come after `cls`."""

    cls: ClassVal
    owner: Value


@dataclass(eq=False, slots=True)
class NativeVal:
    """A function that we model: `call(machine, args, kwargs)` returns a value or raises PyRaise."""

    name: str
    call: Callable[[Any, list[Value], dict[str, Value]], Value]


@dataclass(eq=False, slots=True)
class NamespaceVal:
    """What `globals()` gives: writes go to the module."""

    module: ModuleVal


@dataclass(eq=False, slots=True)
class SysModulesVal:
    """`sys.modules`."""


@dataclass(eq=False, slots=True)
class SuppressVal:
    """`contextlib.suppress(...)`, with the exception classes it swallows."""

    types: tuple[Value, ...]


def _line(base: Value) -> list[Value]:
    return list(base.mro()) if isinstance(base, ClassVal) else [base]


def _merged(lines: list[list[Value]]) -> list[Value]:
    """Python's C3 order of classes; where there is none, the order in which they are met."""
    out: list[Value] = []
    while lines := [line for line in lines if line]:
        tails = {id(v) for line in lines for v in line[1:]}
        head = next((line[0] for line in lines if id(line[0]) not in tails), lines[0][0])
        out.append(head)
        lines = [[v for v in line if v is not head] for line in lines]
    return out


class PyRaise(Exception):
    """An exception that the patient's code would raise.

    `kind` is its class: a built-in exception class, a ClassVal, or UNKNOWN. `cause` tells which missing thing it
    comes from, where it comes from one.
    """

    def __init__(self, kind: Value, message: str | None = None, cause: Cause | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.cause = cause

    @property
    def name(self) -> str:
        """The exception's class name, for messages."""
        return str(getattr(self.kind, "__name__", None) or getattr(self.kind, "name", None) or "an exception")

    def is_a(self, kind: Value) -> bool | None:
        """Whether `except kind` would catch it; None where that cannot be known."""
        if isinstance(kind, tuple):
            answers = [self.is_a(k) for k in kind]
            return True if any(a is True for a in answers) else None if any(a is None for a in answers) else False
        if kind is UNKNOWN or self.kind is UNKNOWN:
            return None if kind is not BaseException else True
        ancestors = self.kind.mro() if isinstance(self.kind, ClassVal) else [self.kind]
        for ancestor in ancestors:
            if ancestor is kind:
                return True
            if isinstance(ancestor, type) and isinstance(kind, type) and issubclass(ancestor, kind):
                return True
        return None if any(a is UNKNOWN for a in ancestors) else False


class Return(Exception):
    """Control flow: `return value`."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Break(Exception):
    """Control flow: `break`."""


class Continue(Exception):
    """Control flow: `continue`."""


class OutOfFuel(Exception):
    """The work allowed for one module is spent; its verdict is unknown."""
