"""What a release refuses after its options are parsed: `if CONDITION: raise ...` and `assert` where it checks them."""

from __future__ import annotations

import ast
import copy
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

    `if CONDITION: raise`, also below others, and `assert`. Only those that are always reached are read: before
    anything at the function's own level may return, and over values that nothing before has changed. Names that hold a
    literal count as that; conditions with other names are left out.
    """
    found = _Refused(owner)
    found.block(function.body, [])
    return found.out


class _Refused:
    """What is refused in one function, statement by statement."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.out: dict[str, str] = {}
        self.changed: set[str] = set()
        self.literals: dict[str, ast.expr] = {}

    def block(self, body: list[ast.stmt], tests: list[ast.expr]) -> bool:
        """Reads the statements, which are reached where all `tests` hold; whether what follows them is reached, too."""
        for node in body:
            if isinstance(node, ast.Raise):
                self._note(tests, node.exc)
                return True
            if isinstance(node, ast.Assert):
                self._note([*tests, ast.UnaryOp(ast.Not(), node.test)], node.msg)
            elif isinstance(node, ast.If):
                if not self._branches(node, tests):
                    return False
            elif any(_leaves(n, self.owner) for n in ast.walk(node)):
                return False
            else:
                self._literal(node)
            self.changed |= {a for n in ast.walk(node) for a in _attributes(n, self.owner, ast.Store)}
        return True

    def _branches(self, node: ast.If, tests: list[ast.expr]) -> bool:
        if any(_leaves(n, self.owner) for n in ast.walk(node.test)):
            return False
        inside = self.block(node.body, [*tests, node.test])
        other = self.block(node.orelse, [*tests, ast.UnaryOp(ast.Not(), node.test)])
        return (inside and other) or _guards(node)

    def _literal(self, node: ast.stmt) -> None:
        for name in [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]:
            held = node.value if isinstance(node, ast.Assign) and name not in self.literals else None
            plain = isinstance(held, (ast.Tuple, ast.List, ast.Set)) and all(
                isinstance(e, ast.Constant) for e in held.elts
            )
            self.literals[name] = held if held is not None and plain else ast.Name("?", ast.Load())

    def _note(self, tests: list[ast.expr], raised: ast.expr | None) -> None:
        """Keeps a condition that is read to its end, of values as they were given."""
        known = [_Replaced(self.literals).visit(copy.deepcopy(t)) for t in tests]
        test = known[0] if len(known) == 1 else ast.BoolOp(ast.And(), known)
        if not known or not _plain(test, self.owner) or self.changed & _attributes(test, self.owner):
            return
        text = ast.unparse(test)
        if len(text) <= LONGEST:
            said = _Replaced(self.literals).visit(copy.deepcopy(raised)) if raised is not None else None
            self.out[text] = _message(said)


class _Replaced(ast.NodeTransformer):
    """Names that hold a literal, as that literal."""

    def __init__(self, literals: dict[str, ast.expr]) -> None:
        self.literals = literals

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.literals.get(node.id, node)


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


def _message(raised: ast.expr | None) -> str:
    """The text of an exception or of an assertion, without what is computed."""
    text = next(iter(raised.args), None) if isinstance(raised, ast.Call) else raised
    parts = list(_texts(text)) if text is not None else []
    said = " ".join("".join(parts).split()).removeprefix("Error: ")
    return re.sub(r"\s*\([^()]*…[^()]*\)", "", said)[:200].rstrip(".")


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            held = part.value if isinstance(part, ast.FormattedValue) else part
            listed = isinstance(held, (ast.Tuple, ast.List, ast.Set))
            yield from _texts(held) if isinstance(held, ast.Constant) else (ast.unparse(held) if listed else "…",)
    elif isinstance(node, ast.BinOp):
        yield from (*_texts(node.left), *_texts(node.right))
    else:
        found: Any = value(node, {})
        yield "" if isinstance(found, Unknown) else str(found)
