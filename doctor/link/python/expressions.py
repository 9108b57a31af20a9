"""Evaluates expressions: to a Python value where everything in them is known, else to `UNKNOWN`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from doctor.link.python.frame import Frame
from doctor.link.python.values import UNKNOWN, FuncVal, PyRaise, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

SIZE_LIMIT = 1_000_000

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mod: operator.mod, ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_, ast.FloorDiv: operator.floordiv, ast.Div: operator.truediv, ast.Mult: operator.mul,
}  # fmt: skip


def evaluate(machine: Machine, node: ast.expr, frame: Frame) -> Value:
    """The value of an expression. Raises PyRaise where evaluating it would raise."""
    machine.fuel -= 1
    handler = _EVALUATORS.get(type(node))
    return UNKNOWN if handler is None else handler(machine, node, frame)


def truth(machine: Machine, value: Value) -> bool | None:
    """Whether Python would take the value as true; None where that is not known."""
    if value is UNKNOWN:
        return None
    if machine.is_plain(value):
        return True if machine.is_tainted(value) and value else None if machine.is_tainted(value) else bool(value)
    return machine.truth_of_object(value)


def _constant(machine: Machine, node: ast.Constant, frame: Frame) -> Value:
    return node.value


def _name(machine: Machine, node: ast.Name, frame: Frame) -> Value:
    return frame.look_up(node.id, machine.builtins)


def _attribute(machine: Machine, node: ast.Attribute, frame: Frame) -> Value:
    return machine.attribute(evaluate(machine, node.value, frame), node.attr, frame.module, node.lineno)


def _call(machine: Machine, node: ast.Call, frame: Frame) -> Value:
    func = evaluate(machine, node.func, frame)
    args: list[Value] = []
    complete = True
    for arg in node.args:
        value = evaluate(machine, arg.value if isinstance(arg, ast.Starred) else arg, frame)
        if not isinstance(arg, ast.Starred):
            args.append(value)
        elif (items := machine.items(value)) is not None:
            args.extend(items)
        else:
            complete = False
    kwargs: dict[str, Value] = {}
    for keyword in node.keywords:
        value = evaluate(machine, keyword.value, frame)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
        elif isinstance(value, dict) and all(isinstance(k, str) for k in value):
            kwargs.update(value)
        else:
            complete = False
    if not complete:
        return UNKNOWN
    return machine.call(func, args, kwargs, frame, node.lineno)


def _bool_op(machine: Machine, node: ast.BoolOp, frame: Frame) -> Value:
    stop = isinstance(node.op, ast.Or)
    value: Value = UNKNOWN
    certain = True
    for operand in node.values:
        if certain:
            value = evaluate(machine, operand, frame)
        else:
            value = attempt(machine, operand, frame)
        known = truth(machine, value)
        if known is stop:
            return value
        certain = certain and known is not None
    return value if certain else UNKNOWN


def attempt(machine: Machine, node: ast.expr, frame: Frame) -> Value:
    """The value of an expression that may not be evaluated in truth: what it raises does not count."""
    try:
        return evaluate(machine, node, frame)
    except PyRaise:
        return UNKNOWN


def _unary_op(machine: Machine, node: ast.UnaryOp, frame: Frame) -> Value:
    value = evaluate(machine, node.operand, frame)
    if isinstance(node.op, ast.Not):
        known = truth(machine, value)
        return UNKNOWN if known is None else not known
    if isinstance(node.op, ast.USub) and isinstance(value, (int, float)):
        return -value
    return UNKNOWN


def _bin_op(machine: Machine, node: ast.BinOp, frame: Frame) -> Value:
    left, right = evaluate(machine, node.left, frame), evaluate(machine, node.right, frame)
    action = _BINARY.get(type(node.op))
    if action is None or not (machine.is_plain(left) and machine.is_plain(right)):
        return UNKNOWN
    if _may_grow(node.op, left, right):
        return UNKNOWN
    if any(isinstance(v, (str, bytes, list, tuple)) and len(v) > SIZE_LIMIT for v in (left, right)):
        return UNKNOWN
    if any(isinstance(v, int) and abs(v) > 1 << 128 for v in (left, right)):
        return UNKNOWN
    try:
        result = action(left, right)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return UNKNOWN
    if machine.is_tainted(left) or machine.is_tainted(right):
        machine.taint(result)
    return result


def _may_grow(op: ast.operator, left: Value, right: Value) -> bool:
    """Whether a repetition or a formatting could make something huge."""
    if not isinstance(op, (ast.Mult, ast.Mod)) or (_is_number(left) and _is_number(right)):
        return False
    return isinstance(op, ast.Mod) or not _is_small_repetition(left, right)


def _is_small_repetition(left: Value, right: Value) -> bool:
    count, text = (left, right) if isinstance(left, int) else (right, left)
    return isinstance(count, int) and count <= 64 and isinstance(text, (str, list, tuple)) and len(text) <= 1000


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float))


def _if_exp(machine: Machine, node: ast.IfExp, frame: Frame) -> Value:
    known = truth(machine, evaluate(machine, node.test, frame))
    if known is None:
        attempt(machine, node.body, frame)
        attempt(machine, node.orelse, frame)
        return UNKNOWN
    return evaluate(machine, node.body if known else node.orelse, frame)


def _dict(machine: Machine, node: ast.Dict, frame: Frame) -> Value:
    out: dict[Value, Value] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluate(machine, value_node, frame)
        if key_node is None:
            if isinstance(value, dict):
                out.update(value)
            if not isinstance(value, dict) or machine.is_tainted(value):
                machine.taint(out)
            continue
        key = evaluate(machine, key_node, frame)
        if key is UNKNOWN or not machine.is_key(key):
            machine.taint(out)
        else:
            out[key] = value
    return out


def _elements(machine: Machine, nodes: list[ast.expr], frame: Frame) -> tuple[list[Value], bool]:
    out: list[Value] = []
    complete = True
    for node in nodes:
        if isinstance(node, ast.Starred):
            items = machine.items(evaluate(machine, node.value, frame))
            complete = complete and items is not None
            out.extend(items or ())
        else:  # of most tables, nearly all are constants
            out.append(node.value if isinstance(node, ast.Constant) else evaluate(machine, node, frame))
    return out, complete


def _list(machine: Machine, node: ast.List, frame: Frame) -> Value:
    out, complete = _elements(machine, node.elts, frame)
    if not complete:
        machine.taint(out)
    return out


def _tuple(machine: Machine, node: ast.Tuple, frame: Frame) -> Value:
    out, complete = _elements(machine, node.elts, frame)
    return tuple(out) if complete else UNKNOWN


def _set(machine: Machine, node: ast.Set, frame: Frame) -> Value:
    out, complete = _elements(machine, node.elts, frame)
    result = {v for v in out if v is not UNKNOWN and machine.is_key(v)}
    if not complete or len(result) < len(out):
        machine.taint(result)
    return result


def _subscript(machine: Machine, node: ast.Subscript, frame: Frame) -> Value:
    return machine.item(evaluate(machine, node.value, frame), evaluate(machine, node.slice, frame))


def _slice(machine: Machine, node: ast.Slice, frame: Frame) -> Value:
    parts = [None if p is None else evaluate(machine, p, frame) for p in (node.lower, node.upper, node.step)]
    if all(p is None or type(p) is int for p in parts) and parts[2] != 0:
        return slice(*parts)
    return UNKNOWN


def _joined_str(machine: Machine, node: ast.JoinedStr, frame: Frame) -> Value:
    parts: list[str] = []
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value))
            continue
        known = evaluate(machine, value.value, frame) if isinstance(value, ast.FormattedValue) else UNKNOWN
        text = machine.text_of(known)
        if text is None or (isinstance(value, ast.FormattedValue) and value.format_spec is not None):
            return UNKNOWN
        parts.append(repr(text) if isinstance(value, ast.FormattedValue) and value.conversion == ord("r") else text)
    return "".join(parts) if sum(map(len, parts)) < SIZE_LIMIT else UNKNOWN


def _lambda(machine: Machine, node: ast.Lambda, frame: Frame) -> Value:
    return FuncVal("<lambda>", node, frame.module, frame.closure())


def _named_expr(machine: Machine, node: ast.NamedExpr, frame: Frame) -> Value:
    value = evaluate(machine, node.value, frame)
    frame.bind(node.target.id, value)
    return value


def _yield(machine: Machine, node: ast.Yield | ast.YieldFrom, frame: Frame) -> Value:
    if node.value is not None:
        evaluate(machine, node.value, frame)
    if frame.on_yield is not None:
        frame.on_yield()
    return UNKNOWN


def _compare(machine: Machine, node: ast.Compare, frame: Frame) -> Value:
    from doctor.link.python.comparisons import compare

    return compare(machine, node, frame)


def _comprehension(machine: Machine, node: Any, frame: Frame) -> Value:
    from doctor.link.python.comprehensions import comprehend

    return comprehend(machine, node, frame)


_EVALUATORS: dict[type, Callable[[Machine, Any, Frame], Value]] = {
    ast.Constant: _constant, ast.Name: _name, ast.Attribute: _attribute, ast.Call: _call, ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary_op, ast.BinOp: _bin_op, ast.Compare: _compare, ast.IfExp: _if_exp, ast.Dict: _dict,
    ast.List: _list, ast.Tuple: _tuple, ast.Set: _set, ast.Subscript: _subscript, ast.Slice: _slice,
    ast.JoinedStr: _joined_str, ast.Lambda: _lambda, ast.NamedExpr: _named_expr, ast.Yield: _yield,
    ast.YieldFrom: _yield, ast.ListComp: _comprehension, ast.SetComp: _comprehension, ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
}  # fmt: skip
