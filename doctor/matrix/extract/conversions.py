"""What a conversion function of a release (`type=` of an option) does to a word, where its text shows it."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from doctor.matrix.extract.definitions import definition
from doctor.matrix.extract.files import Files


def conversion(files: Files, members: Iterable[str], name: str) -> str | None:
    """Our name for what the function `name`, as one of `members` has it, does; None where its own name stays.

    `str`: it hands on its word or raises; `json object`: it reads JSON and raises for anything but an object;
    `SI int`: numbers such as `8k` and `8Ki`, not `8K`; `text or none`: `none` in any case is the empty text.
    """
    if not name.isidentifier() or name in ("str", "int", "float", "bool", "callable"):
        return None
    found = next((f for m in members if (f := definition(files, m, name))), None)
    if found is None or not isinstance(found.node, ast.FunctionDef) or len(found.node.args.args) != 1:
        return None
    return _kind(found.node)


def _kind(node: ast.FunctionDef) -> str | None:
    word, text = node.args.args[0].arg, ast.unparse(node)
    returns = [n.value for n in ast.walk(node) if isinstance(n, ast.Return)]
    if returns and all(isinstance(r, ast.Name) and r.id == word for r in returns):
        assigned = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        return None if word in assigned else "str"
    if returns and all(
        r is not None and ast.unparse(r) == f"'' if {word}.lower() == 'none' else {word}" for r in returns
    ):
        return "text or none"
    if "(Ki|Mi|Gi|Ti|k|M|G|T)" in text:
        return "SI int"
    if f"json.loads({word})" in text and any(_only_objects(n) for n in node.body):
        return "json object"
    return None


def _only_objects(node: ast.stmt) -> bool:
    """`if not isinstance(parsed, dict): raise ...`."""
    if not isinstance(node, ast.If) or not node.body or not isinstance(node.body[-1], ast.Raise):
        return False
    return ast.unparse(node.test).startswith("not isinstance(") and ast.unparse(node.test).endswith(", dict)")
