"""Conditions on a quantisation as they stand in an engine's source: read, never run."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from doctor.base.syntax import Unparsable, expression

LONGEST = 1000
Plain = bool | int | float | str


def holds(condition: str, settings: Mapping[str, Plain]) -> bool | None:
    """Whether `version == 'gemm'` or `not quant_config.get('desc_act', False)` holds; None for what is not understood.

    A bare name is the setting of that name, `quant_config.get(name, default)` likewise.
    """
    if len(condition) > LONGEST:
        return None
    try:
        return _truth(_value(expression(condition), settings))
    except (Unparsable, RecursionError, _Unknown):
        return None


class _Unknown(Exception):
    """A form that is not read."""


def _truth(value: Plain | None) -> bool:
    return bool(value)


def _value(node: ast.expr, settings: Mapping[str, Plain]) -> Plain | None:
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (bool, int, float, str))):
        return node.value
    if isinstance(node, ast.Name) and node.id in settings:
        return settings[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _value(node.operand, settings)
    if isinstance(node, ast.BoolOp):
        values = [_truth(_value(v, settings)) for v in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        same = _value(node.left, settings) == _value(node.comparators[0], settings)
        return same if isinstance(node.ops[0], ast.Eq) else not same
    if isinstance(node, ast.Call):
        return _got(node, settings)
    raise _Unknown


def _got(node: ast.Call, settings: Mapping[str, Plain]) -> Plain | None:
    """`quant_config.get(name, default)`."""
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "get" and 1 <= len(node.args) <= 2):
        raise _Unknown
    name = _value(node.args[0], settings)
    if not isinstance(name, str):
        raise _Unknown
    return settings[name] if name in settings else _value(node.args[1], settings) if len(node.args) == 2 else None
