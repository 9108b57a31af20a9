"""The names under which classes are registered by a decorator: `@MODELS.register_module(name="x")`."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def registered_names(tree: ast.Module, manager: str) -> Iterator[list[str] | None]:
    """The names in `@Manager.register_module(...)` of each class; None for those that are computed."""
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)):
        for call in (d for d in node.decorator_list if isinstance(d, ast.Call)):
            if ast.unparse(call.func) == f"{manager}.register_module":
                given = [*call.args, *(k.value for k in call.keywords if k.arg == "name")]
                yield _literal(given[0]) if given else [node.name]


def _literal(node: ast.expr) -> list[str] | None:
    parts = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    names = [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
    return names if len(names) == len(parts) else None
