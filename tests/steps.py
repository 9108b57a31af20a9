"""The steps that a person has to carry out, as our code words them: templates with `{}` for each value."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.sources import PACKAGE, SOURCES, tree_of

ROOMS = ("rules", "derived", "memory", "matrix")


def steps() -> dict[str, str]:
    """Each template of a manual step, with the file that says it."""
    found = dict[str, str]()
    for path in SOURCES:
        if path.relative_to(PACKAGE).parts[0] in ROOMS:
            for text in _in_file(path):
                found.setdefault(text, str(path.relative_to(PACKAGE)))
    return found


def _in_file(path: Path) -> Iterator[str]:
    tree = tree_of(path)
    scopes = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for scope in scopes:
        for node in ast.walk(scope):
            if isinstance(node, ast.Call) and (said := _said(node)) is not None:
                yield from _texts(said, scope, tree)


def _said(call: ast.Call) -> ast.expr | None:
    """The text of `manual(TEXT)` and `Action("manual", text=TEXT)`."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name == "manual" and call.args:
        return call.args[0]
    kinds = [a.value for a in call.args[:1] if isinstance(a, ast.Constant)]
    texts = [k.value for k in call.keywords if k.arg == "text"]
    return texts[0] if name == "Action" and kinds == ["manual"] and texts else None


def _texts(node: ast.expr, scope: ast.AST, tree: ast.Module) -> Iterator[str]:
    """The texts that an expression can be; nothing for what comes from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, scope, tree)
        yield from _texts(node.orelse, scope, tree)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for left in _texts(node.left, scope, tree):
            yield from (left + right for right in [*_texts(node.right, scope, tree)] or ["{}"])
    elif isinstance(node, ast.Name):
        yield from _assigned(node.id, scope, tree)


def _assigned(name: str, scope: ast.AST, tree: ast.Module) -> Iterator[str]:
    for place in (scope, tree):
        nodes = ast.walk(place) if place is scope else iter(tree.body)
        for node in nodes:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in targets):
                yield from () if isinstance(node.value, ast.Name) else _texts(node.value, scope, tree)
