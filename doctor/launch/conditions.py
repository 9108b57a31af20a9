"""Conditions that a release checks after it has parsed its options, decided for what is given."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from functools import lru_cache

from doctor.base.syntax import Unparsable, expression

UNKNOWN = object()
Lookup = Callable[[str], object]
_COMPARED: dict[type, Callable[[object, object], object]] = {
    ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,  # type: ignore[dict-item]
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,  # type: ignore[operator]
}  # fmt: skip


def holds(condition: str, look_up: Lookup) -> bool:
    """Whether the condition is certainly true. `look_up` gives the value of `x` in `args.x`, or UNKNOWN."""
    node = _tree(condition)
    found = _value(node, look_up) if node is not None else UNKNOWN
    return found is not UNKNOWN and bool(found)


def names(condition: str) -> list[str]:
    """The names that it asks for, in order."""
    node = _tree(condition)
    return [n for n in dict.fromkeys(_named(node)) if n] if node is not None else []


def compared(condition: str) -> list[str]:
    """The names whose values it compares, in order; a name that is only on or off is none of them."""
    node = _tree(condition)
    parts = [p for p in ast.walk(node) if isinstance(p, ast.Compare)] if node is not None else []
    return [n for n in dict.fromkeys(n for p in parts for n in _named(p)) if n]


def words_of(condition: str, name: str) -> tuple[str, ...]:
    """All that `name` may be where the condition is about a list: `args.x not in (...)`."""
    node = _tree(condition)
    for part in ast.walk(node) if node is not None else ():
        if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.NotIn) and next(_named(part.left), "") == name:
            held = _value(part.comparators[0], lambda _: UNKNOWN)
            return tuple(str(v) for v in held) if isinstance(held, list) else ()
    return ()


@lru_cache(maxsize=256)
def _tree(condition: str) -> ast.expr | None:
    try:
        return expression(condition)
    except Unparsable:
        return None


def _named(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Call) and len(part.args) > 1 and isinstance(part.args[1], ast.Constant):
            yield str(part.args[1].value)


def _value(node: ast.expr, look_up: Lookup) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.Attribute, ast.Call)):
        return look_up(next(_named(node), ""))
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        items = [_value(e, look_up) for e in node.elts]
        return UNKNOWN if UNKNOWN in items else items
    if isinstance(node, ast.BoolOp):
        return _joined(node, look_up)
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, look_up)
        if inner is UNKNOWN:
            return UNKNOWN
        return not inner if isinstance(node.op, ast.Not) else -inner if isinstance(inner, (int, float)) else UNKNOWN
    return _compared(node, look_up) if isinstance(node, ast.Compare) else UNKNOWN


def _joined(node: ast.BoolOp, look_up: Lookup) -> object:
    """`and` is false where one part is, `or` true where one is, whatever is not known."""
    parts = [_value(p, look_up) for p in node.values]
    decides = isinstance(node.op, ast.Or)
    if any(p is not UNKNOWN and bool(p) == decides for p in parts):
        return decides
    return UNKNOWN if any(p is UNKNOWN for p in parts) else not decides


def _compared(node: ast.Compare, look_up: Lookup) -> object:
    left = _value(node.left, look_up)
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = _value(right_node, look_up)
        if left is UNKNOWN or right is UNKNOWN:
            return UNKNOWN
        try:
            if not _COMPARED[type(op)](left, right):
                return False
        except (TypeError, KeyError):
            return UNKNOWN
        left = right
    return True
