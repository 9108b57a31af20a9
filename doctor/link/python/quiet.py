"""Whether running a piece of code would leave anything behind but the values of its own names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

DEPTH = 4  # calls of functions within functions that are looked into
_METHODS = frozenset((
    "split", "rsplit", "splitlines", "join", "strip", "lstrip", "rstrip", "replace", "format", "startswith",
    "endswith", "find", "rfind", "index", "count", "title", "upper", "lower", "capitalize", "partition",
    "rpartition", "zfill", "ljust", "rjust", "center", "expandtabs", "removeprefix", "removesuffix", "append",
    "extend", "insert", "items", "keys", "values", "get", "copy", "search", "match", "fullmatch", "sub",
    "findall", "finditer", "compile", "group", "groups", "cleandoc", "getdoc", "dedent", "indent",
))  # fmt: skip
_CHANGING = frozenset(("append", "extend", "insert"))
_MAKING = frozenset((
    "split", "splitlines", "rsplit", "copy", "join", "replace", "strip", "list", "dict", "set", "sorted", "str",
    "len", "range",
))  # fmt: skip
_FUNCTIONS = frozenset((
    "len", "str", "repr", "sorted", "list", "tuple", "dict", "set", "frozenset", "range", "enumerate", "zip",
    "reversed", "min", "max", "sum", "any", "all", "isinstance", "issubclass", "bool", "int", "hasattr",
    "callable", "type",
))  # fmt: skip
_ATTRIBUTES = frozenset(("__doc__", "__name__", "__qualname__", "__module__", "__class__"))
_SPEAKING = frozenset(("ImportError", "ModuleNotFoundError", "AttributeError"))
_NEW = (
    ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.JoinedStr, ast.Constant, ast.BinOp,
)  # fmt: skip
_LOUD = (ast.Yield, ast.YieldFrom, ast.Await, ast.NamedExpr, ast.Lambda)


class Quiet:
    """Judges the statements of one function; `body_of` gives those of a function of its module by name."""

    def __init__(self, body: Sequence[ast.stmt], body_of: Callable[[str], Any], depth: int = 0) -> None:
        self.body_of, self.depth = body_of, depth
        self.own = _made_here(body)
        declared = (n for s in body for n in ast.walk(s) if isinstance(n, (ast.Global, ast.Nonlocal)))
        self.shared = {name for node in declared for name in node.names}
        self._known: dict[str, bool] = {}

    def names_set_by(self, statement: ast.stmt) -> set[str] | None:
        """The names that a statement sets or whose values it changes; None where it may do anything else."""
        if isinstance(statement, (ast.Pass, ast.Break, ast.Continue)):
            return set()
        if isinstance(statement, ast.Raise):
            return set() if self._is_complaint(statement) else None
        if isinstance(statement, (ast.If, ast.While)):
            return self._all((*statement.body, *statement.orelse)) if self.expression(statement.test) else None
        if isinstance(statement, ast.For):
            names = self._target(statement.target)
            inner = self._all((*statement.body, *statement.orelse)) if self.expression(statement.iter) else None
            return None if names is None or inner is None else names | inner
        return self._simple(statement)

    def _simple(self, statement: ast.stmt) -> set[str] | None:
        if isinstance(statement, ast.Expr) and self.expression(statement.value):
            return _changed(statement.value) if self._owns(_changed(statement.value)) else None
        if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [self._target(t, added=isinstance(statement, ast.AugAssign)) for t in targets]
            changed = _changed(statement.value)
            if self.expression(statement.value) and self._owns(changed) and None not in names:
                return changed.union(*(n for n in names if n is not None))
        return None

    def _all(self, body: Iterable[ast.stmt]) -> set[str] | None:
        """The names set by statements of which none leaves anything else behind."""
        out: set[str] = set()
        for statement in body:
            names = self.names_set_by(statement)
            if names is None:
                return None
            out |= names
        return out

    def _target(self, target: ast.expr, *, added: bool = False) -> set[str] | None:
        if isinstance(target, ast.Name):
            if target.id in self.shared:
                return None
            return {target.id} if not added or target.id in self.own else None
        if isinstance(target, ast.Attribute):
            return set() if target.attr == "__doc__" and self.expression(target.value) else None
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id in self.own:
            return {target.value.id} if self.expression(target.slice) else None
        if isinstance(target, (ast.Tuple, ast.List)) and all(isinstance(e, ast.Name) for e in target.elts):
            return {e.id for e in target.elts if isinstance(e, ast.Name)}
        return None

    def _owns(self, names: set[str]) -> bool:
        return names <= self.own

    def _is_complaint(self, statement: ast.Raise) -> bool:
        """A `raise` of an error that says nothing about what can be imported."""
        kind = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        given = [*statement.exc.args] if isinstance(statement.exc, ast.Call) else []
        named = isinstance(kind, ast.Name) and kind.id.endswith("Error") and kind.id not in _SPEAKING
        return named and statement.cause is None and all(self.expression(a) for a in given)

    def expression(self, node: ast.expr) -> bool:
        """Whether evaluating this leaves nothing behind, but for names of its own that it changes."""
        return all(self._part(part) for part in ast.walk(node))

    def _part(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call):
            func = node.func
            if isinstance(func, ast.Attribute):
                return func.attr in _METHODS and (func.attr not in _CHANGING or isinstance(func.value, ast.Name))
            return isinstance(func, ast.Name) and (func.id in _FUNCTIONS or self._is_quiet(func.id))
        if isinstance(node, ast.Attribute):
            return node.attr in _ATTRIBUTES or node.attr in _METHODS
        return not isinstance(node, _LOUD)

    def _is_quiet(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = False  # one that calls itself is not looked into
            body = self.body_of(name) if self.depth < DEPTH else None
            self._known[name] = body is not None and _whole(Quiet(body, self.body_of, self.depth + 1), body)
        return self._known[name]


def _whole(quiet: Quiet, body: Sequence[ast.stmt]) -> bool:
    """Whether calling a function with these statements leaves nothing behind but what it returns."""
    for statement in body:
        if isinstance(statement, ast.Return):
            if statement.value is not None and not quiet.expression(statement.value):
                return False
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        elif isinstance(statement, ast.If):
            if not (quiet.expression(statement.test) and _whole(quiet, (*statement.body, *statement.orelse))):
                return False
        elif quiet.names_set_by(statement) is None:
            return False
    return True


def _made_here(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The names that only ever stand for values made here, which nobody else holds."""
    made: dict[str, bool] = {}
    for node in (n for statement in body for n in ast.walk(statement)):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                new = isinstance(target, ast.Name) and _is_new(node.value)
                made.update((name, made.get(name, True) and new) for name in _stored(target))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            made.update(dict.fromkeys(node.names, False))
        elif isinstance(node, (ast.For, ast.comprehension)):
            made.update((name, False) for name in _stored(node.target))
    return frozenset(name for name, new in made.items() if new)


def _stored(target: ast.expr) -> list[str]:
    return [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _is_new(value: ast.expr) -> bool:
    if isinstance(value, ast.Attribute):
        return value.attr == "__doc__"
    if not isinstance(value, ast.Call):
        return isinstance(value, _NEW)
    if isinstance(value.func, ast.Attribute):
        return value.func.attr in _MAKING
    return isinstance(value.func, ast.Name) and value.func.id in _MAKING


def _changed(node: ast.AST) -> set[str]:
    """The names whose values a call of `append` and its kin changes."""
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute))
    return {f.value.id for f in calls if f.attr in _CHANGING and isinstance(f.value, ast.Name)}
