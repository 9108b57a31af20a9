"""The message of a `raise` as literal text and holes, told from its expression alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from doctor.base.late import late_pattern
from doctor.matrix.extract.literals import Unknown, value

Template = tuple[str | None, ...]  # literal text, and None for each hole
HOLE: Template = (None,)
LARGEST = 4000  # characters of literal text in one message
_PERCENT = late_pattern(r"%(?:\(\w{1,60}\))?[-+ #0]{0,4}[\d*]{0,4}(?:\.[\d*]{1,3})?[hlL]?([a-zA-Z%])")
_BRACES = late_pattern(r"\{\{|\}\}|\{[^{}]{0,200}\}")
_KEPT = ("dedent", "cleandoc", "strip", "lstrip", "rstrip", "str", "encode")
_NESTED = 60


def template(node: ast.expr | None, names: Mapping[str, ast.expr], depth: int = 0) -> Template:
    """The text that `node` gives; what is not literal is a hole. `names` are values that names were given before."""
    if node is None or depth > _NESTED:
        return HOLE
    found: Template = HOLE
    if isinstance(node, ast.Constant):
        found = (str(node.value),) if isinstance(node.value, (str, int, float)) else HOLE
    elif isinstance(node, ast.JoinedStr):
        found = _joined([template(v, {}, depth + 1) if isinstance(v, ast.Constant) else HOLE for v in node.values])
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        found = _joined([template(node.left, names, depth + 1), template(node.right, names, depth + 1)])
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        found = _with_holes(template(node.left, names, depth + 1), _PERCENT)
    elif isinstance(node, ast.Call):
        found = _call(node, names, depth)
    elif isinstance(node, ast.Name) and node.id in names:
        rest = {k: v for k, v in names.items() if k != node.id}
        found = template(names[node.id], rest, depth + 1)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 1:
        found = template(node.elts[0], names, depth + 1)
    return found


def percent(node: ast.expr, names: Mapping[str, ast.expr]) -> Template:
    """The same for the first argument of a logger's method, whose `%s` are holes."""
    return _with_holes(template(node, names), _PERCENT)


def literal_length(found: Template) -> int:
    """Characters of literal text."""
    return sum(len(part) for part in found if part)


def text_of(node: ast.expr) -> str:
    """A literal string, or nothing."""
    found = value(node, {})
    return "" if isinstance(found, Unknown) or not isinstance(found, str) else found


def _call(node: ast.Call, names: Mapping[str, ast.expr], depth: int) -> Template:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    inner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if name == "format" and inner is not None:
        return _with_holes(template(inner, names, depth + 1), _BRACES)
    if name == "join" and inner is not None and node.args:
        return _list(node.args[0], text_of(inner), names, depth)
    if name in _KEPT:
        kept = node.args[0] if node.args and (inner is None or name in ("dedent", "cleandoc")) else inner
        return template(kept, names, depth + 1)
    return HOLE


def _list(node: ast.expr, separator: str, names: Mapping[str, ast.expr], depth: int) -> Template:
    """`separator.join([...])`."""
    if not isinstance(node, (ast.List, ast.Tuple)):
        return HOLE
    parts = [template(e, names, depth + 1) for e in node.elts]
    return _joined([p for part in parts for p in (part, (separator,))][:-1])


def _with_holes(found: Template, places: re.Pattern[str]) -> Template:
    """The same with placeholders in the literal text made holes; `%%` and doubled braces stay text."""
    out: list[str | None] = []
    for part in found:
        if part is None:
            out.append(None)
            continue
        at = 0
        for match in places.finditer(part):
            whole = match[0]
            doubled = whole in ("{{", "}}") or whole.endswith("%")
            out += [part[at : match.start()] + (whole[:1] if doubled else ""), *(() if doubled else (None,))]
            at = match.end()
        out.append(part[at:])
    return _joined([tuple(out)])


def _joined(parts: list[Template]) -> Template:
    out: list[str | None] = []
    for part in (p for one in parts for p in one):
        if part is not None and out and out[-1] is not None:
            out[-1] += part
        elif part is not None or not out or out[-1] is not None:
            out.append(part)
    return tuple(p for p in out if p != "")[:200]
