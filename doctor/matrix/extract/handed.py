"""Which options reach a settings class as they were given, so that its limits and its refusals hold for them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from doctor.matrix.extract.checks import LONGEST, class_checks

Method = ast.FunctionDef | ast.AsyncFunctionDef
Classes = Mapping[str, ast.ClassDef]
When = tuple[str, ...]


def handed_on(tree: ast.Module, owner: str, method: str) -> set[tuple[str, str]]:
    """(class, field) for each `Class(field=self.field)` that `method` of class `owner` always reaches.

    Methods of the same class that it always calls are followed. What stands below an `if`, or is set on `self`
    anywhere in the class, is left out.
    """
    node = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner), None)
    if node is None:
        return set()
    methods = {n.name: n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    changed = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    calls = list(_reached(methods, method, set()))
    given = [(ast.unparse(c.func), k) for c in calls for k in c.keywords if k.arg and k.arg not in changed]
    return {(name, k.arg) for name, k in given if k.arg and ast.unparse(k.value) == f"self.{k.arg}"}


def refused_when_made(tree: ast.Module, owner: str, method: str, classes: Classes) -> dict[str, str]:
    """What settings classes refuse that `method` of class `owner` makes, as conditions over `args.x`.

    Read are the checks of each `Class(x=self.x)`, with the condition on which it is made (`if self.y else None`).
    Left out are values that are changed before: set on `self` in `owner`, or by a validator of the class.
    """
    node = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner), None)
    methods = {n.name: n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))} if node else {}
    changed = (
        {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
        if node
        else set()
    )
    out: dict[str, str] = {}
    for call, when in _made(methods, method, (), set()):
        made = classes.get(ast.unparse(call.func))
        if made is None:
            continue
        same = {k.arg for k in call.keywords if k.arg and ast.unparse(k.value) == f"self.{k.arg}"}
        same -= changed | _validated(made)
        for condition, said in class_checks(made).items():
            whole = " and ".join([*when, f"({condition})" if when else condition])
            asked = set(re.findall(r"self\.(\w+)", condition))
            if (
                asked <= same
                and not changed & set(re.findall(r"self\.(\w+)", " ".join(when)))
                and len(whole) <= LONGEST
            ):
                out[re.sub(r"\bself\.", "args.", whole)] = said
    return out


def _validated(node: ast.ClassDef) -> set[str]:
    """The fields that a `@field_validator` may change."""
    calls = (
        d for n in node.body if isinstance(n, ast.FunctionDef) for d in n.decorator_list if isinstance(d, ast.Call)
    )
    found = [c for c in calls if ast.unparse(c.func).rpartition(".")[2] in ("field_validator", "validator")]
    return {str(a.value) for c in found for a in c.args if isinstance(a, ast.Constant)}


def _made(methods: dict[str, Method], name: str, when: When, seen: set[str]) -> Iterator[tuple[ast.Call, When]]:
    """The calls that a method makes, each with the plain conditions on which it does; others are left out."""
    if name in seen or name not in methods:
        return
    seen.add(name)
    for line in methods[name].body:
        if isinstance(line, (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)) and line.value is not None:
            for call, more in _under(line.value, when):
                yield call, more
                called = ast.unparse(call.func)
                if called.startswith("self."):
                    yield from _made(methods, called.removeprefix("self."), more, seen)


def _under(node: ast.AST, when: When) -> Iterator[tuple[ast.Call, When]]:
    """The calls in an expression, each with the conditions `self.x` of the `... if self.x else None` around it."""
    if isinstance(node, ast.IfExp):
        test = ast.unparse(node.test)
        if re.fullmatch(r"self\.\w+", test):
            yield from _under(node.body, (*when, test))
        return
    if isinstance(node, (ast.BoolOp, ast.Lambda, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp)):
        return
    if isinstance(node, ast.Call):
        yield node, when
    for child in ast.iter_child_nodes(node):
        yield from _under(child, when)


def _reached(methods: dict[str, Method], name: str, seen: set[str]) -> Iterator[ast.Call]:
    if name in seen or name not in methods:
        return
    seen.add(name)
    for line in methods[name].body:
        if isinstance(line, (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)) and line.value is not None:
            for call in _calls(line.value):
                yield call
                called = ast.unparse(call.func)
                if called.startswith("self."):
                    yield from _reached(methods, called.removeprefix("self."), seen)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls in an expression that do not depend on a condition in it."""
    if isinstance(node, (ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp)):
        return
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)
