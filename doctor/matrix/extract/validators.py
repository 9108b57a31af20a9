"""What the validators of a pydantic class do before the types of its fields are asked, where their text shows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from doctor.base.record import dataclass

_CHANGES = ("pop", "update", "setdefault", "popitem", "clear")


@dataclass(frozen=True, slots=True)
class Validated:
    """One `@field_validator`: its `fields` (`*`: all) and `mode` (before, wrap, plain, after).

    `passes_none`: None is taken, all else goes to the field's type; `passes_dict`: only objects become the class that
    the field has anyway; `enumeration`: text is the name of one of its members in any case, or one of `words`;
    `takes_text`: it decides over text, and all else goes to the field's type; `folds`: text is put into small letters
    with underscores. Where none of these holds, anything may be accepted.
    """

    fields: frozenset[str]
    mode: str
    passes_none: bool = False
    passes_dict: bool = False
    takes_text: bool = False
    enumeration: str | None = None
    words: tuple[str, ...] = ()
    folds: bool = False


def validated(node: ast.ClassDef) -> list[Validated]:
    """The validators of a class."""
    return [v for n in node.body if isinstance(n, ast.FunctionDef) for d in n.decorator_list if (v := _read(n, d))]


def mutates(node: ast.ClassDef) -> bool:
    """Whether a `@model_validator` that comes before the class may change the keys."""
    for function in (n for n in node.body if isinstance(n, ast.FunctionDef)):
        texts = [ast.unparse(d) for d in function.decorator_list]
        if any(t.startswith("model_validator") and "'after'" not in t for t in texts) and _changes(function):
            return True
    return False


def _changes(function: ast.FunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, (ast.Store, ast.Del)):
            return True
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _CHANGES:
            return True
        if isinstance(node, (ast.Dict, ast.DictComp)):
            return True
    return False


def _read(function: ast.FunctionDef, decorator: ast.expr) -> Validated | None:
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func).rpartition(".")[2] != "field_validator":
        return None
    fields = frozenset(str(a.value) for a in decorator.args if isinstance(a, ast.Constant))
    given = {k.arg: ast.unparse(k.value).strip("'\"") for k in decorator.keywords}
    mode = given.get("mode", "after")
    body = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    word = function.args.args[1].arg if len(function.args.args) > 1 else "value"
    if mode == "wrap":
        return Validated(fields, mode, passes_none=_passes_none(body, word))
    if mode == "before" and body and ast.unparse(body[0]) == f"if not isinstance({word}, str):\n    return {word}":
        return Validated(fields, mode, takes_text=True)
    if mode != "before" or len(body) != 2 or ast.unparse(body[1]) != f"return {word}":
        return Validated(fields, mode)
    return _text(Validated(fields, mode), body[0], word)


def _passes_none(body: list[ast.stmt], word: str) -> bool:
    """`if value is None: return value` and then `return handler(value)`."""
    first, last = body if len(body) == 2 else (None, None)
    if not isinstance(first, ast.If) or len(first.body) != 1 or last is None:
        return False
    test = first.test
    none = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is) and ast.unparse(test.left) == word
    return none and ast.unparse(first.body[0]) == f"return {word}" and ast.unparse(last) == f"return handler({word})"


def _text(found: Validated, first: ast.stmt, word: str) -> Validated:
    """`if isinstance(value, str): ...` and then `return value`."""
    if not isinstance(first, ast.If) or first.orelse:
        return found
    test, last = ast.unparse(first.test), first.body[-1]
    answer = ast.unparse(last.value) if isinstance(last, ast.Return) and last.value else ""
    if test == f"isinstance({word}, dict)" and isinstance(last, ast.Return) and isinstance(last.value, ast.Call):
        return Validated(found.fields, found.mode, passes_dict=answer.endswith(f"(**{word})"))
    if test != f"isinstance({word}, str)":
        return found
    if answer == f"{word}.lower().replace('-', '_')":
        return Validated(found.fields, found.mode, folds=True)
    enumeration = answer.partition("[")[0] if "[" in answer else None
    if enumeration and f"{word}.upper()" in ast.unparse(first) and enumeration.isidentifier():
        return Validated(found.fields, found.mode, enumeration=enumeration, words=tuple(_compared(first)))
    return found


def _compared(node: ast.AST) -> Iterator[str]:
    """The texts that are compared with: `if value.lower() == "auto": return None`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq):
            yield from (c.value for c in part.comparators if isinstance(c, ast.Constant) and isinstance(c.value, str))
