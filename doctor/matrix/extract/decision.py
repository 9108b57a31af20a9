"""Code that decides over a model's settings, out of a wheel as plain data that `doctor.matrix.models.decision` follows.

Statements are lists such as `["if", TEST, THEN, ELSE]`, expressions likewise (`["==", A, B]`, `["attr", X, "name"]`).
What has no form here becomes `["?"]`: where a decision hangs on it, the answer is open. The texts of errors, logging
and imports are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

Data = list[Any]
_COMPARE = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
    ast.NotIn: "not in", ast.Is: "==", ast.IsNot: "!=",
}  # fmt: skip
_BINARY = {ast.FloorDiv: "//", ast.Mult: "*", ast.Add: "+", ast.Sub: "-", ast.Mod: "%"}
_UNKNOWN: Data = ["?"]


def statements(body: Iterable[ast.stmt]) -> Data:
    """The statements that can matter for a decision, in order."""
    return [found for node in body for found in _statement(node)]


def _statement(node: ast.stmt) -> list[Data]:
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.Expr, ast.Pass)):
        return []
    if isinstance(node, ast.If):
        return [["if", expression(node.test), statements(node.body), statements(node.orelse)]]
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return _assigned(node.targets[0], node.value)
    if isinstance(node, ast.Return):
        return [["return", expression(node.value)]]
    if isinstance(node, ast.Assert):
        return [["assert", expression(node.test), " ".join(ast.unparse(node.test).split())]]
    if isinstance(node, ast.Raise):
        return [["raise", ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
                 if node.exc else "error"]]  # fmt: skip
    if isinstance(node, ast.FunctionDef):
        return [["def", node.name, [a.arg for a in node.args.args], statements(node.body)]]
    return [_UNKNOWN]


def _assigned(target: ast.expr, value: ast.expr) -> list[Data]:
    if isinstance(target, ast.Tuple) and all(isinstance(e, ast.Name) for e in target.elts):
        names = [e.id for e in target.elts if isinstance(e, ast.Name)]
        parts = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(names) else None
        return [] if parts is None else [["set", n, expression(p)] for n, p in zip(names, parts, strict=True)]
    if isinstance(target, (ast.Name, ast.Attribute)):
        return [["set", ast.unparse(target), expression(value)]]
    return [_UNKNOWN]


def expression(node: ast.expr | None) -> Data:
    """One expression."""
    if node is None:
        return ["c", None]
    if isinstance(node, ast.Constant):
        return ["c", node.value] if node.value is None or isinstance(node.value, (bool, int, float, str)) else _UNKNOWN
    if isinstance(node, ast.Name):
        return ["name", node.id]
    if isinstance(node, ast.Attribute):
        return ["attr", expression(node.value), node.attr]
    if isinstance(node, ast.Subscript):
        return ["item", expression(node.value), expression(node.slice)]
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return ["list", *(expression(e) for e in node.elts)]
    if isinstance(node, ast.Dict) and all(node.keys):
        return ["dict", *([expression(k), expression(v)] for k, v in zip(node.keys, node.values, strict=True))]
    return _operation(node)


def _operation(node: ast.expr) -> Data:
    if isinstance(node, ast.BoolOp):
        return ["and" if isinstance(node.op, ast.And) else "or", *(expression(v) for v in node.values)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        inner = expression(node.operand)
        return ["not", inner] if isinstance(node.op, ast.Not) else ["-", ["c", 0], inner]
    if isinstance(node, ast.IfExp):
        return ["?:", expression(node.test), expression(node.body), expression(node.orelse)]
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
        return [_COMPARE[type(node.ops[0])], expression(node.left), expression(node.comparators[0])]
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return [_BINARY[type(node.op)], expression(node.left), expression(node.right)]
    if isinstance(node, ast.Call) and not any(isinstance(a, ast.Starred) for a in node.args):
        return _call(node)
    return _UNKNOWN


def _call(node: ast.Call) -> Data:
    """`f(x)` as `["call", "f", X]`, `x.get(k)` as `["method", "get", X, K]`; keywords are left out."""
    args = [expression(a) for a in node.args]
    if isinstance(node.func, ast.Name):
        return ["call", node.func.id, *args]
    if isinstance(node.func, ast.Attribute):
        return ["method", node.func.attr, expression(node.func.value), *args]
    return _UNKNOWN
