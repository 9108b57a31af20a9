"""What a release refuses after its options are parsed: `if CONDITION: raise ...` in a function that checks them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from doctor.matrix.extract.literals import Unknown, value

LONGEST = 300
_ALLOWED = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Is, ast.IsNot, ast.Eq, ast.NotEq,
    ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Attribute,
    ast.Name, ast.Load, ast.Call,
)  # fmt: skip


def checks(function: ast.FunctionDef, owner: str) -> dict[str, str]:
    """Each condition over `owner.x` (also as `getattr(owner, "x", default)`) -> what the release says then.

    Only those that are always reached are read: at the function's own level, before anything there may return, and over
    values that nothing before has changed. Conditions with other names are left out.
    """
    out: dict[str, str] = {}
    changed: set[str] = set()
    for node in function.body:
        if isinstance(node, ast.If) and not node.orelse and len(node.body) == 1 and isinstance(node.body[0], ast.Raise):
            text = ast.unparse(node.test)
            if _plain(node.test, owner) and len(text) <= LONGEST and not changed & _attributes(node.test, owner):
                out[text] = _message(node.body[0])
        elif any(_leaves(n, owner) for n in ast.walk(node)) and not _guards(node):
            break
        changed |= {a for n in ast.walk(node) for a in _attributes(n, owner, ast.Store)}
    return out


def _attributes(node: ast.AST, owner: str, context: type[ast.expr_context] = ast.expr_context) -> set[str]:
    """The names of `owner.x` in `node`, with this context."""
    found = (n for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, context))
    return {n.attr for n in found if getattr(n.value, "id", "") == owner}


def class_checks(node: ast.ClassDef) -> dict[str, str]:
    """The same for a settings class: what its `__post_init__` and its last validators refuse, over `self.x`."""
    functions = [f for f in node.body if isinstance(f, ast.FunctionDef) and _last(f) and f.args.args]
    stored = {f.name: _attributes(f, "self", ast.Store) for f in functions}
    out: dict[str, str] = {}
    for function in functions:
        changed = {name for f, names in stored.items() if f != function.name for name in names}
        found = checks(function, "self")
        out.update({c: m for c, m in found.items() if not changed & set(re.findall(r"self\.(\w+)", c))})
    return out


def _last(function: ast.FunctionDef) -> bool:
    decorated = [ast.unparse(d) for d in function.decorator_list]
    return function.name == "__post_init__" or any("model_validator(mode='after')" in d for d in decorated)


def _plain(test: ast.expr, owner: str) -> bool:
    attributes = 0
    for node in ast.walk(test):
        if not isinstance(node, _ALLOWED):
            return False
        if isinstance(node, ast.Call) and (getattr(node.func, "id", "") != "getattr" or not _owned(node.args, owner)):
            return False
        if isinstance(node, ast.Name) and node.id not in (owner, "getattr"):
            return False
        attributes += isinstance(node, (ast.Attribute, ast.Call))
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == owner):
            return False
    return attributes > 0


def _owned(args: list[ast.expr], owner: str) -> bool:
    return len(args) >= 2 and getattr(args[0], "id", "") == owner and isinstance(args[1], ast.Constant)


def _leaves(node: ast.AST, owner: str) -> bool:
    """Whether the function may end here, or hands on what it checks to something that may change it."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return getattr(node.func.value, "id", "") == owner  # a method of the checked object may change it
    return isinstance(node, ast.Return)


def _guards(node: ast.stmt) -> bool:
    """`if hasattr(args, "subparser") and ...: return`: no server then."""
    return isinstance(node, ast.If) and "subparser" in ast.unparse(node.test) and isinstance(node.body[-1], ast.Return)


def _message(node: ast.stmt) -> str:
    """The text that is raised, without what is computed."""
    call = node.exc if isinstance(node, ast.Raise) else None
    parts = list(_texts(call.args[0])) if isinstance(call, ast.Call) and call.args else []
    said = " ".join("".join(parts).split()).removeprefix("Error: ")
    return re.sub(r"\s*\(.*\)\.?$", "", said)[:200].rstrip(".")


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from _texts(part) if isinstance(part, ast.Constant) else ("…",)
    elif isinstance(node, ast.BinOp):
        yield from (*_texts(node.left), *_texts(node.right))
    else:
        found: Any = value(node, {})
        yield "" if isinstance(found, Unknown) else str(found)
