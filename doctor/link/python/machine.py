"""One process of the patient, run on paper: imports, names, and what can be done with values."""

from __future__ import annotations

import ast

from doctor.link.python import objects, plain
from doctor.link.python.classes import class_attribute
from doctor.link.python.documentation import without_documentation
from doctor.link.python.frame import Frame
from doctor.link.python.functions import is_generator
from doctor.link.python.importer import Importer
from doctor.link.python.lazy import LazyModules
from doctor.link.python.reader import Reader, SourceProblem
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
    Value,
)  # fmt: skip


class Machine(Importer):
    """What has been imported so far, and the means to import more."""

    def __init__(self, reader: Reader, *, lenient: bool = False) -> None:
        from doctor.link.python.builtin_names import builtin_names
        from doctor.link.python.library import Library

        super().__init__(reader, lenient=lenient)
        self.lazy = LazyModules(self)
        self.library = Library(self)
        self.builtins = builtin_names(self)
        self.modules["__main__"] = ModuleVal("__main__", open=True, depth="surface", is_stdlib=True)
        self.modules["os.path"] = self.library.table["os.path"]

    @property
    def machine(self) -> Machine:
        """Itself, typed as what it is."""
        return self

    def call(
        self, func: Value, args: list[Value], kwargs: dict[str, Value], frame: Frame | None = None, line: int = 0
    ) -> Value:
        """`func(*args, **kwargs)`; UNKNOWN for what we do not model. `frame` is the caller's."""
        return objects.call(self, func, args, kwargs, frame, line)

    def not_followed(self, args: list[Value], kwargs: dict[str, Value]) -> Value:
        """The result of a call that we do not follow; the objects it was given may have anything afterwards."""
        for value in (*args, *kwargs.values()):
            if isinstance(value, InstanceVal):
                value.open = True
        return UNKNOWN

    def item(self, owner: Value, key: Value) -> Value:
        """`owner[key]`."""
        return objects.item(self, owner, key)

    def items(self, value: Value) -> list[Value] | None:
        """What iterating over the value gives; None where that is not known."""
        return plain.items(self, value)

    def function_body(self, func: FuncVal) -> list[ast.stmt] | None:
        """The statements of a function; None where they cannot be read."""
        node = func.node
        if isinstance(node, ast.Lambda):
            return None
        if id(node) not in self.bodies:
            try:
                body = self.reader.body(func.module.file or "", node)
                found = body.statements
                if body.documents:
                    found = without_documentation(found, lambda name: self._plain_body(func.module, name))
                generates = body.yields and not func.manages_context and is_generator(found)
                self.bodies[id(node)] = None if generates else found
            except SourceProblem:
                self.bodies[id(node)] = None
        return self.bodies[id(node)]

    def _plain_body(self, module: ModuleVal, name: str) -> list[ast.stmt] | None:
        """The statements of a module's own function that nothing decorates; None for any other name."""
        func = module.namespace.get(name)
        if not isinstance(func, FuncVal) or not isinstance(func.node, ast.FunctionDef) or func.node.decorator_list:
            return None
        try:
            return self.reader.body(func.module.file or "", func.node).statements
        except SourceProblem:
            return None

    def exception_kind(self, value: Value) -> Value:
        """The class that `raise value` raises."""
        if isinstance(value, ClassVal) or (isinstance(value, type) and issubclass(value, BaseException)):
            return value
        return UNKNOWN

    def is_plain(self, value: Value) -> bool:
        """Whether the value is one of Python's own, safe to compute with."""
        return plain.is_plain(value)

    def is_key(self, value: Value) -> bool:
        """Whether the value can be a dictionary's key."""
        return plain.is_key(value)

    def truth_of_object(self, value: Value) -> bool | None:
        """The truth of something that is not plain."""
        return None if isinstance(value, (InstanceVal, NamespaceVal)) else True

    def contains(self, container: Value, item: Value) -> bool | None:
        """`item in container` for what is not plain."""
        return objects.contains(self, container, item)

    def text_of(self, value: Value) -> str | None:
        """`str(value)`, where known."""
        if isinstance(value, PyRaise):
            return value.message
        known = self.is_plain(value) and isinstance(value, (str, int, float, bool, type(None)))
        return str(value) if known or plain.is_version(value) else None

    def is_callable(self, value: Value) -> bool | None:
        """`callable(value)`."""
        if isinstance(value, InstanceVal):
            return True if class_attribute(value.cls, "__call__") is not None else None if value.open else False
        if value is UNKNOWN:
            return None
        return isinstance(value, (FuncVal, BoundVal, NativeVal, ClassVal, type))
