"""The names that a Python source file binds at module level, told from its text alone.

What a module binds is what `from module import name` can find in it, whichever branch runs: both arms of every `if`
and `try` count, since which one is taken is the environment's matter, not the release's. `if TYPE_CHECKING:` never
runs and does not count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import field

from doctor.base import syntax
from doctor.base.record import dataclass

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(slots=True)
class Bindings:
    """What one file binds.

    `names` are bound at module level, `defined` those of them that a `class` or `def` binds. `stars` are
    `from X import *` as (level, X). `exports` is a literal `__all__`, or None. `tree` is dropped after use.
    """

    names: set[str] = field(default_factory=set)
    defined: set[str] = field(default_factory=set)
    stars: list[tuple[int, str]] = field(default_factory=list)
    exports: list[str] | None = None
    required: set[str] = field(default_factory=set)


def parse(text: str) -> ast.Module | None:
    """The syntax tree of `text`, or None where this Python cannot parse it (templates, newer syntax, nesting)."""
    try:
        return syntax.parse(text)
    except syntax.Unparsable:
        return None


def bindings(tree: ast.Module) -> Bindings:
    """What the module `tree` binds."""
    found = Bindings()
    _block(tree.body, found)
    return found


def is_type_checking(test: ast.expr) -> bool:
    """Whether an `if` condition is `TYPE_CHECKING` or `typing.TYPE_CHECKING`."""
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return name == "TYPE_CHECKING"


def strings(node: ast.expr | None) -> list[str] | None:
    """The strings of a literal list, tuple, set or sum of such; None for anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = strings(node.left), strings(node.right)
        return None if left is None or right is None else left + right
    if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return None
    return [e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]


def _block(body: Iterable[ast.stmt], found: Bindings) -> None:
    for node in body:
        _statement(node, found)
        for inner in _inner_blocks(node):
            _block(inner, found)


def _inner_blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of a compound statement that run at module level."""
    if isinstance(node, ast.If):
        if not is_type_checking(node.test):
            yield node.body
        yield node.orelse
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        yield from (node.body, node.orelse)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        yield node.body
    elif isinstance(node, ast.Try):
        yield from (node.body, *(h.body for h in node.handlers), node.orelse, node.finalbody)


def _statement(node: ast.stmt, found: Bindings) -> None:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        found.names.add(node.name)
        found.defined.add(node.name)
        if any(_called(d) in ("requires", "export") for d in node.decorator_list):
            found.required.add(node.name)
    elif isinstance(node, ast.Import):
        found.names.update(a.asname or a.name.partition(".")[0] for a in node.names)
    elif isinstance(node, ast.ImportFrom):
        _import_from(node, found)
    elif isinstance(node, ast.Assign):
        _assign(node.targets, node.value, found)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        _assign([node.target], node.value, found)
    elif isinstance(node, ast.AugAssign):
        if _is_name(node.target, "__all__"):
            found.exports = (found.exports or []) + (strings(node.value) or [])
        _targets(node.target, found)
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        _targets(node.target, found)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if item.optional_vars is not None:
                _targets(item.optional_vars, found)
    elif isinstance(node, ast.Delete):
        found.names.difference_update(t.id for t in node.targets if isinstance(t, ast.Name))


def _import_from(node: ast.ImportFrom, found: Bindings) -> None:
    for alias in node.names:
        if alias.name == "*":
            found.stars.append((node.level, node.module or ""))
        else:
            found.names.add(alias.asname or alias.name)


def _assign(targets: list[ast.expr], value: ast.expr, found: Bindings) -> None:
    for target in targets:
        _targets(target, found)
        if _is_name(target, "__all__"):
            found.exports = strings(value)


def _targets(target: ast.expr, found: Bindings) -> None:
    if isinstance(target, ast.Name):
        found.names.add(target.id)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            _targets(element, found)
    elif isinstance(target, ast.Starred):
        _targets(target.value, found)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _called(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
