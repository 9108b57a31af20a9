"""Binds values to targets: names, attributes, items, and unpackings of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from doctor.link.python.expressions import evaluate
from doctor.link.python.frame import Frame
from doctor.link.python.values import UNKNOWN, ClassVal, InstanceVal, ModuleVal, NamespaceVal, SysModulesVal, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

SIZE_LIMIT = 200_000


def assign(machine: Machine, target: ast.expr, value: Value, frame: Frame) -> None:
    """`target = value`."""
    if isinstance(target, ast.Name):
        frame.bind(target.id, value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(machine, target.elts, value, frame)
    elif isinstance(target, ast.Attribute):
        set_attribute(machine, evaluate(machine, target.value, frame), target.attr, value)
    elif isinstance(target, ast.Subscript):
        owner = evaluate(machine, target.value, frame)
        set_item(machine, owner, evaluate(machine, target.slice, frame), value, frame)
    elif isinstance(target, ast.Starred):
        assign(machine, target.value, value, frame)


def _unpack(machine: Machine, targets: list[ast.expr], value: Value, frame: Frame) -> None:
    if type(value) is tuple and len(value) == len(targets) and all(type(t) is ast.Name for t in targets):
        for target, item in zip(targets, value, strict=True):
            frame.bind(target.id, item)  # type: ignore[attr-defined]
        return
    items = machine.items(value)
    plain = not any(isinstance(t, ast.Starred) for t in targets)
    if items is None or not plain or len(items) != len(targets):
        items = [UNKNOWN] * len(targets)
    for target, item in zip(targets, items, strict=True):
        assign(machine, target, item, frame)


def set_attribute(machine: Machine, owner: Value, name: str, value: Value) -> None:
    """`owner.name = value`."""
    if isinstance(owner, (ModuleVal, ClassVal)):
        owner.namespace[name] = value
    elif isinstance(owner, InstanceVal):
        from doctor.link.python.classes import store

        store(machine, owner, name, value)


def set_item(machine: Machine, owner: Value, key: Value, value: Value, frame: Frame) -> None:
    """`owner[key] = value`."""
    if isinstance(owner, SysModulesVal):
        if isinstance(key, str):
            machine.replace_module(key, value)
    elif isinstance(owner, NamespaceVal):
        if isinstance(key, str):
            owner.module.namespace[key] = value
        else:
            owner.module.open = True
    elif isinstance(owner, dict):
        if key is UNKNOWN or not machine.is_key(key) or len(owner) > SIZE_LIMIT:
            machine.taint(owner)
        else:
            owner[key] = value
    elif isinstance(owner, list):
        if type(key) is int and -len(owner) <= key < len(owner):
            owner[key] = value
        else:
            machine.taint(owner)


def delete(machine: Machine, target: ast.expr, frame: Frame) -> None:
    """`del target`; a name that may be gone is simply gone."""
    if isinstance(target, ast.Name):
        frame.names.pop(target.id, None)
    elif isinstance(target, ast.Attribute):
        owner = evaluate(machine, target.value, frame)
        if isinstance(owner, ModuleVal):
            owner.namespace.pop(target.attr, None)
    elif isinstance(target, ast.Subscript):
        owner = evaluate(machine, target.value, frame)
        key = evaluate(machine, target.slice, frame)
        if isinstance(owner, SysModulesVal) and isinstance(key, str):
            machine.modules.pop(key, None)
        elif isinstance(owner, dict) and key is not UNKNOWN and machine.is_key(key):
            owner.pop(key, None)


def bound_names(body: list[ast.stmt]) -> set[str]:
    """The names that running these statements could bind in their own scope."""
    out: set[str] = set()
    for node in (n for s in body for n in ast.walk(s)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            out.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            out.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            out.update(a.asname or a.name.partition(".")[0] for a in node.names)
    return out


def as_load(target: ast.expr) -> ast.expr:
    """The target of `+=` as the expression that is read first."""
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(id=target.id, ctx=ast.Load()), target)
    if isinstance(target, ast.Attribute):
        return ast.copy_location(ast.Attribute(value=target.value, attr=target.attr, ctx=ast.Load()), target)
    if isinstance(target, ast.Subscript):
        return ast.copy_location(ast.Subscript(value=target.value, slice=target.slice, ctx=ast.Load()), target)
    return target
