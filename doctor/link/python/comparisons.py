"""Comparisons: `==`, `<`, `is`, `in`, with an answer only where both sides are known."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from doctor.link.python.classes import class_attribute
from doctor.link.python.enums import is_member
from doctor.link.python.expressions import evaluate
from doctor.link.python.frame import Frame
from doctor.link.python.values import UNKNOWN, InstanceVal, NamespaceVal, SysModulesVal, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip


def compare(machine: Machine, node: ast.Compare, frame: Frame) -> Value:
    """The truth of `a < b in c`, or UNKNOWN."""
    left = evaluate(machine, node.left, frame)
    result: bool | None = True
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = evaluate(machine, comparator, frame)
        one = _compare_pair(machine, op, left, right)
        if one is False:
            return False
        result = None if one is None else result
        left = right
    return UNKNOWN if result is None else result


def _compare_pair(machine: Machine, op: ast.cmpop, left: Value, right: Value) -> bool | None:
    if isinstance(op, (ast.In, ast.NotIn)):
        found = _contains(machine, right, left)
        return found if found is None or isinstance(op, ast.In) else not found
    if left is UNKNOWN or right is UNKNOWN:
        return None
    if is_member(left) and is_member(right) and isinstance(op, (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)):
        return _members(op, left, right)
    if isinstance(op, (ast.Is, ast.IsNot)):
        same = left is right or (machine.is_plain(left) and machine.is_plain(right) and _same(left, right))
        return same if isinstance(op, ast.Is) else not same
    if not all(machine.is_plain(v) and not machine.is_tainted(v) for v in (left, right)):
        return True if left is right and isinstance(op, ast.Eq) else None
    try:
        return bool(_COMPARE[type(op)](left, right))
    except (TypeError, ValueError):  # holds UNKNOWN, or kinds that do not compare
        return None


def _members(op: ast.cmpop, left: InstanceVal, right: InstanceVal) -> bool | None:
    """Members are one object each; a class may say otherwise with an `__eq__` of its own."""
    if isinstance(op, (ast.Eq, ast.NotEq)) and class_attribute(left.cls, "__eq__") is not None:
        return None
    return (left is right) == isinstance(op, (ast.Is, ast.Eq))


def _same(left: Value, right: Value) -> bool:
    return isinstance(left, (int, str, bool, type(None))) and type(left) is type(right) and left == right


def _contains(machine: Machine, container: Value, item: Value) -> bool | None:
    if item is UNKNOWN or container is UNKNOWN:
        return None
    if isinstance(container, SysModulesVal):
        return item in machine.modules if isinstance(item, str) else None
    if isinstance(container, NamespaceVal):
        module = container.module
        return True if item in module.namespace else None if module.open or module.depth != "full" else False
    if isinstance(container, str) and isinstance(item, str):
        return item in container
    if isinstance(container, (set, frozenset, dict)):
        found = machine.is_key(item) and item in container
        return True if found else None if machine.is_tainted(container) else False
    if isinstance(container, (list, tuple)):
        found = any(element is item or (machine.is_plain(element) and element == item) for element in container)
        unsure = machine.is_tainted(container) or any(element is UNKNOWN for element in container)
        return True if found else None if unsure else False
    return machine.contains(container, item)
