"""Which options reach a settings class as they were given, so that the limits of its fields hold for them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Method = ast.FunctionDef | ast.AsyncFunctionDef


def handed_on(tree: ast.Module, owner: str, method: str) -> set[tuple[str, str]]:
    """(class, field) for each `Class(field=self.field)` that `method` of class `owner` always reaches.

    Methods of the same class that it always calls are followed. What stands below an `if`, or is set on `self`
    anywhere in the class, is left out.
    """
    node = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner), None)
    if node is None:
        return set()
    methods = {n.name: n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    changed = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    calls = list(_reached(methods, method, set()))
    given = [(ast.unparse(c.func), k) for c in calls for k in c.keywords if k.arg and k.arg not in changed]
    return {(name, k.arg) for name, k in given if k.arg and ast.unparse(k.value) == f"self.{k.arg}"}


def _reached(methods: dict[str, Method], name: str, seen: set[str]) -> Iterator[ast.Call]:
    if name in seen or name not in methods:
        return
    seen.add(name)
    for line in methods[name].body:
        if isinstance(line, (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)) and line.value is not None:
            for call in _calls(line.value):
                yield call
                called = ast.unparse(call.func)
                if called.startswith("self."):
                    yield from _reached(methods, called.removeprefix("self."), seen)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls in an expression that do not depend on a condition in it."""
    if isinstance(node, (ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp)):
        return
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)
