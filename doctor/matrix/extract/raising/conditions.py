"""On which condition a statement is reached: the tests around it and before it, as one expression.

Told from the text alone, so it is the nearest test, not all that has to hold: the enclosing `if` (its `else` as the
negation), else what was returned on or raised before in the same block, else the `except` that it stands in.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

LONGEST = 160  # characters of a condition
LONGEST_TEXT = 32  # characters of a string in it; a longer one is a sentence and no fact
MOST = 4  # tests of one condition
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def condition(node: ast.stmt, above: Sequence[tuple[ast.AST, str]]) -> str:
    """The condition of `node`; `above` are the statements around it, outermost first, each with the field it lies in.

    Empty where the function reaches it always, or where the test cannot be written on one short line.
    """
    inner: ast.AST = node
    for place in range(len(above) - 1, -1, -1):
        parent, field = above[place]
        if found := _before(parent, field, inner) or _of(parent, field):
            return found + (_tried(above[place - 1][0]) if isinstance(parent, ast.ExceptHandler) and place else "")
        if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)):
            return ""
        inner = parent
    return ""


def negated(test: ast.expr) -> ast.expr:
    """The opposite of a test, without a double `not`."""
    opposite: dict[type[ast.cmpop], type[ast.cmpop]] = {
        ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
        ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    }  # fmt: skip
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return ast.Compare(test.left, [opposite[type(test.ops[0])]()], test.comparators)
    return ast.UnaryOp(ast.Not(), test)


def written(tests: Sequence[ast.expr]) -> str:
    """Tests joined by `and`, as Python; as many of the first as fit in one short line."""
    out = ""
    for test in tests[:MOST]:
        try:
            text = " ".join(ast.unparse(_Short().visit(_copy(test))).split())
        except (ValueError, RecursionError):
            continue
        if len(tests) > 1 and isinstance(test, ast.BoolOp):
            text = f"({text})"
        joined = f"{out} and {text}" if out else text
        if len(joined) <= LONGEST:
            out = joined
    return out


def _of(parent: ast.AST, field: str) -> str:
    """What `parent` asks before it runs what stands in its `field`."""
    if isinstance(parent, (ast.If, ast.While)) and field in ("body", "orelse"):
        if field == "body":
            return written([parent.test])
        return "" if isinstance(parent, ast.While) else written([negated(parent.test)])
    if isinstance(parent, ast.ExceptHandler):
        return f"except {written([parent.type])}" if parent.type is not None else "except"
    if isinstance(parent, ast.match_case):
        return f"case {' '.join(ast.unparse(parent.pattern).split())}"[:LONGEST]
    return ""


def _tried(node: ast.AST) -> str:
    """What the `try` of a handler imports: ` of import NAME`."""
    body = node.body if isinstance(node, ast.Try) else []
    names = [n for s in body if isinstance(s, (ast.Import, ast.ImportFrom)) for n in _modules(s)]
    return f" of import {', '.join(dict.fromkeys(names))}"[:LONGEST] if names else ""


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]


def _before(parent: ast.AST, field: str, inner: ast.AST) -> str:
    """What did not hold before `inner` in its block, or what an `if ... elif` chain went through."""
    if isinstance(parent, ast.If) and field == "orelse" and isinstance(inner, ast.If) and parent.orelse == [inner]:
        return ""
    block = getattr(parent, field, None)
    if not isinstance(block, list) or isinstance(parent, (ast.Module, ast.ClassDef)):
        return ""
    tests: list[ast.expr] = []
    for statement in block:
        if statement is inner:
            break
        if isinstance(statement, ast.If):
            tests += _left(statement)
    return written([negated(t) for t in tests[-MOST:]]) if tests and isinstance(inner, (ast.Raise, ast.Expr)) else ""


def _left(node: ast.If) -> list[ast.expr]:
    """The tests of an `if ... elif` whose branches leave the block."""
    out = [node.test] if node.body and isinstance(node.body[-1], _LEAVES) else []
    if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        out += _left(node.orelse[0])
    return out


def chained(above: Sequence[tuple[ast.AST, str]]) -> list[ast.expr]:
    """For the last `else` of an `if ... elif ... else`: all tests that did not hold, the first one first."""
    out: list[ast.expr] = []
    for parent, field in reversed(above):
        if not isinstance(parent, ast.If) or field != "orelse":
            break
        out.insert(0, parent.test)
    return out


def _copy(test: ast.expr) -> ast.expr:
    from copy import deepcopy

    return deepcopy(test)


class _Short(ast.NodeTransformer):
    """Long strings in a test are cut: they are sentences, and a condition is to be a fact."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str) and len(node.value) > LONGEST_TEXT:
            return ast.Constant("...")
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Constant("...")
