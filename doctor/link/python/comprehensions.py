"""Comprehensions and generator expressions, all evaluated at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from doctor.link.python.assign import assign
from doctor.link.python.expressions import evaluate, truth
from doctor.link.python.frame import Frame
from doctor.link.python.plain import are_keys
from doctor.link.python.values import UNKNOWN, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

LIMIT = 50_000


class _Unsure(Exception):
    """Something in the comprehension is not known, so neither is its result."""


def comprehend(
    machine: Machine, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, frame: Frame
) -> Value:
    """The list, set or dict that the comprehension makes (a list for a generator), or UNKNOWN."""
    inner = Frame(frame.module, {}, (frame.names, *frame.outer), frame.handling, func=frame.func, first=frame.first)
    try:
        over = machine.items(evaluate(machine, node.generators[0].iter, frame))  # in the scope around, as in Python
        if over is not None and len(over) <= LIMIT and (names := _picked(node)) is not None:
            return _pick(machine, node, over, names)
        if isinstance(node, ast.DictComp):
            return _dict(machine, node, inner, over)
        values = [evaluate(machine, node.elt, inner) for _ in _rounds(machine, node.generators, inner, over)]
    except _Unsure:
        return UNKNOWN
    if not isinstance(node, ast.SetComp):
        return values
    return set(values) if are_keys(values) else UNKNOWN


def _picked(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> tuple[int, ...] | None:
    """Which parts of each pair a comprehension takes that does nothing else: (1, 0) for `{v: k for k, v in pairs}`."""
    target = node.generators[0].target
    if len(node.generators) > 1 or node.generators[0].ifs or not isinstance(target, ast.Tuple):
        return None
    names = [t.id if isinstance(t, ast.Name) else "" for t in target.elts]
    parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
    taken = [p.id if isinstance(p, ast.Name) else "" for p in parts]
    if "" in names or len(set(names)) < len(names) or not set(taken) <= set(names):
        return None
    return (len(names), *(names.index(n) for n in taken))


def _pick(
    machine: Machine, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, over: list[Value],
    names: tuple[int, ...],
) -> Value:  # fmt: skip
    """What such a comprehension makes: transformers turns tables of pairs around, for each of its classes."""
    machine.fuel -= len(over)
    machine.burn(0)
    count, *at = names
    if not ({tuple}.issuperset(map(type, over)) and {count}.issuperset(map(len, over))):
        over = [i if type(i) is tuple and len(i) == count else _unpacked(machine, i, count) for i in over]
    if isinstance(node, ast.DictComp):
        keys = [item[at[0]] for item in over]
        return dict(zip(keys, [item[at[1]] for item in over], strict=True)) if are_keys(keys) else UNKNOWN
    values = [item[at[0]] for item in over]
    if not isinstance(node, ast.SetComp):
        return values
    return set(values) if are_keys(values) else UNKNOWN


def _unpacked(machine: Machine, item: Value, count: int) -> tuple[Value, ...]:
    parts = machine.items(item)
    return tuple(parts) if parts is not None and len(parts) == count else (UNKNOWN,) * count


def _dict(machine: Machine, node: ast.DictComp, frame: Frame, over: list[Value] | None) -> Value:
    out = {}
    for _ in _rounds(machine, node.generators, frame, over):
        key = evaluate(machine, node.key, frame)
        if key is UNKNOWN or not machine.is_key(key):
            raise _Unsure
        out[key] = evaluate(machine, node.value, frame)
    return out


def _rounds(
    machine: Machine, generators: list[ast.comprehension], frame: Frame, items: list[Value] | None
) -> Iterator[None]:
    first, rest = generators[0], generators[1:]
    if items is None or len(items) > LIMIT:
        raise _Unsure
    for item in items:
        machine.burn(0)
        assign(machine, first.target, item, frame)
        if first.ifs:
            wanted = [truth(machine, evaluate(machine, condition, frame)) for condition in first.ifs]
            if None in wanted:
                raise _Unsure
            if not all(wanted):
                continue
        if rest:
            yield from _rounds(machine, rest, frame, machine.items(evaluate(machine, rest[0].iter, frame)))
        else:
            yield
