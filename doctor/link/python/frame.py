"""Where a statement runs: its module, the scope that it writes to, and the scopes that it sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

from doctor.base.record import dataclass
from doctor.link.python.values import UNKNOWN, FuncVal, ModuleVal, PyRaise, Value


@dataclass(slots=True)
class Frame:
    """One scope being run.

    `names` is written to; `outer` are the enclosing function scopes, innermost first; the module's namespace and the
    built-ins come after. `handling` is the exception that a bare `raise` would raise again. `on_yield` runs at a
    `yield` (context managers only). `declared` are names that a `global` statement sent to the module. `func` is the
    function whose body runs, and `first` its first argument, for `super()`. `may_have_returned`: a `return` stood where
    it is not known whether it ran.
    """

    module: ModuleVal
    names: dict[str, Value]
    outer: tuple[dict[str, Value], ...] = ()
    handling: PyRaise | None = None
    on_yield: Callable[[], Any] | None = None
    declared: set[str] = field(default_factory=set)
    is_class: bool = False
    func: FuncVal | None = None
    first: Value = None
    may_have_returned: bool = False

    def look_up(self, name: str, builtins: dict[str, Value]) -> Value:
        """The value of a name, `UNKNOWN` where nothing that we follow has bound it."""
        if name in self.names and name not in self.declared:
            return self.names[name]
        for scope in self.outer:
            if name in scope:
                return scope[name]
        if name in self.module.namespace:
            return self.module.namespace[name]
        return builtins.get(name, UNKNOWN)

    def bind(self, name: str, value: Value) -> None:
        """Binds a name in the scope that the language says."""
        (self.module.namespace if name in self.declared else self.names)[name] = value

    def closure(self) -> tuple[dict[str, Value], ...]:
        """The scopes that a function defined here sees, beside its own and the module's."""
        if self.names is self.module.namespace:
            return ()
        return self.outer if self.is_class else (self.names, *self.outer)

    def nested(self, names: dict[str, Value], *, is_class: bool = False) -> Frame:
        """A scope inside this one (a class body, a comprehension)."""
        return Frame(self.module, names, self.closure(), self.handling, self.on_yield, is_class=is_class)

    def with_handling(self, error: PyRaise) -> Frame:
        """The same scope while `error` is being handled."""
        return replace(self, handling=error)
