"""The keys of settings classes that an option takes as JSON, and what each key accepts, as pydantic reads the class.

A row has `Class` -> `{"closed": ...}` (whether other keys are refused) and `Class.key` -> a list of what is accepted;
an empty list is anything, also wherever a validator of the class decides. The parts of a list: `int`, `float`, `bool`,
`str`, `null`, `list`, `dict`; `{"in": [...]}` (`fold`: in small letters, hyphens as underscores), `{"upper": [names],
"or": [...], "values": [...]}` for text in capitals (or these numbers), `{"class": X}`, `{"list": [...]}`,
`{"dict": [...]}`, `{"bounds": {"ge": 1}}`. `Class` has also `checks` (conditions over `self.x` that are refused, with
what is said), the `defaults` of the keys in them, and the keys that are `required`.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from doctor.base.syntax import Unparsable, expression
from doctor.matrix.extract.checks import class_checks
from doctor.matrix.extract.definitions import definition, members_of
from doctor.matrix.extract.fields import Settings
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.literals import Unknown, constants, jsonable, value
from doctor.matrix.extract.validators import Validated, mutates, validated

Part = str | dict[str, Any]
Shape = list[Part]
_DEPTH = 6
_LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length")
_SEQUENCES = ("list", "List", "set", "Set", "Sequence", "Iterable", "tuple", "Tuple", "frozenset")


def shapes(settings: Settings, classes: list[str], forbids: bool) -> dict[str, Any]:
    """The row of these classes and of those inside them. `forbids`: the decorator `config` refuses unknown keys."""
    out: dict[str, Any] = {}
    waiting = list(classes)
    while waiting:
        name = waiting.pop()
        node = settings.classes.get(name)
        if name in out or node is None:
            continue
        keys = _Class(settings, node).keys()
        out[name] = {"closed": bool(keys) and _closed(node, forbids), **_conditions(settings, node)}
        for key, shape in keys.items():
            out[f"{name}.{key}"] = shape
            waiting += _classes(shape)
    return out


def plain(files: Files, member: str, name: str) -> dict[str, Any]:
    """The row of a plain dataclass that is made of an object's keys (`X(**keys)`): only the keys count."""
    found = definition(files, member, name)
    if found is None or not isinstance(found.node, ast.ClassDef):
        return {}
    lines = [n for n in found.node.body if isinstance(n, ast.AnnAssign)]
    given = {n.target.id: n.value for n in lines if isinstance(n.target, ast.Name)}
    marked = any("dataclass" in ast.unparse(d) for d in found.node.decorator_list)
    if not marked or found.node.bases or not given:
        return {}
    required = [n for n, default in given.items() if default is None]
    keys: dict[str, Shape] = {f"{name}.{n}": [] for n in given}
    return {name: {"closed": True, "required": required}, **keys}


def _conditions(settings: Settings, node: ast.ClassDef) -> dict[str, Any]:
    """What the class refuses of keys together, and the defaults of those keys."""
    if not (found := class_checks(node)):
        return {}
    used = {n for c in found for n in re.findall(r"self\.(\w+)", c)}
    known = {n: settings.default(d) for n, _, d in settings.all_fields(node) if n in used}
    return {"checks": found, "defaults": {n: jsonable(d) for n, d in known.items() if not isinstance(d, Unknown)}}


def _classes(shape: Shape) -> list[str]:
    parts = [p for p in shape if isinstance(p, dict)]
    inner = [c for p in parts for k in ("list", "dict") if k in p for c in _classes(p[k])]
    return [p["class"] for p in parts if "class" in p] + inner


def _closed(node: ast.ClassDef, forbids: bool) -> bool:
    """Whether unknown keys are refused: never where a validator may rename them before the class sees them."""
    decorated = [ast.unparse(d) for d in node.decorator_list]
    if any("extra" in d for d in decorated):
        return any("extra='forbid'" in d for d in decorated)
    if any(isinstance(n, ast.FunctionDef) and n.name.startswith("__get_pydantic") for n in node.body):
        return False
    return forbids and any(d.partition("(")[0] == "config" for d in decorated) and not mutates(node)


class _Class:
    """One class while its fields are read."""

    def __init__(self, settings: Settings, node: ast.ClassDef) -> None:
        self.settings, self.node = settings, node

    def keys(self) -> dict[str, Shape]:
        """Each field that may be given, with what it accepts."""
        found: dict[str, Shape] = {}
        validators = validated(self.node)
        for name, annotation, default in self.settings.all_fields(self.node):
            given = {k.arg: k.value for k in default.keywords} if isinstance(default, ast.Call) else {}
            if "init" in given and value(given["init"], {}) is False:
                continue
            shape = self._union(annotation, 0)
            if any(k in given for k in ("alias", "validation_alias")):
                shape = []
            known = {k: value(given[k], self.settings.names) for k in _LIMITS if k in given}
            limits = {k: v for k, v in known.items() if isinstance(v, (int, float))}
            found[name] = self._after(shape + ([{"bounds": limits}] if shape and limits else []), name, validators)
        return found

    def _after(self, shape: Shape, name: str, validators: list[Validated]) -> Shape:
        """What is accepted where validators come before the field's own type."""
        for one in validators:
            if (name not in one.fields and "*" not in one.fields) or one.mode == "after":
                continue
            if one.enumeration and (names := self._names(one.enumeration)):
                numbers = self._numbers(one.enumeration)
                shape = [{"upper": names, "or": list(one.words)} | ({"values": numbers} if numbers else {})]
            elif one.takes_text:
                shape = [*shape, "str"] if shape else []
            elif one.passes_none:
                shape = [*shape, "null"] if shape else []
            elif one.folds and all(p == "null" or (isinstance(p, dict) and "in" in p) for p in shape):
                shape = [{**p, "fold": True} if isinstance(p, dict) else p for p in shape]
            elif not one.passes_dict:
                return []
        return shape

    def _numbers(self, name: str) -> list[int]:
        """The values of an Enum of integers; nothing where any is something else."""
        known = constants(ast.Module(self.settings.classes[name].body, []))
        values = [known.get(n) for n in members_of(self.settings.classes[name]) or ()]
        return [v for v in values if isinstance(v, int)] if all(type(v) is int for v in values) else []

    def _names(self, name: str) -> list[str] | None:
        self.settings.look_up(name)
        node = self.settings.classes.get(name)
        return members_of(node) if node else None

    def _union(self, node: ast.expr, depth: int) -> Shape:
        """Empty for anything."""
        if depth > _DEPTH:
            return []
        if isinstance(node, ast.Constant):
            return ["null"] if node.value is None else self._quoted(node, depth)
        if isinstance(node, ast.BinOp):
            return _either(self._union(node.left, depth + 1), self._union(node.right, depth + 1))
        if isinstance(node, ast.Subscript):
            return self._generic(node, depth)
        return self._named(node.id, depth) if isinstance(node, ast.Name) else []

    def _quoted(self, node: ast.Constant, depth: int) -> Shape:
        try:
            return self._union(expression(str(node.value)), depth + 1)
        except Unparsable:
            return []

    def _named(self, name: str, depth: int) -> Shape:
        if name in ("int", "float", "bool", "str", "dict", "list", "Path"):
            return [name if name != "Path" else "str"]
        if name not in self.settings.aliases and name not in self.settings.classes:
            self.settings.look_up(name)
        if name in self.settings.classes:
            return self._class(self.settings.classes[name], name)
        if name in self.settings.aliases:
            return self._union(self.settings.aliases[name], depth + 1)
        return ["dict"] if name in ("Dict", "Mapping") else ["list"] if name in _SEQUENCES else []

    def _class(self, node: ast.ClassDef, name: str) -> Shape:
        if members_of(node) is not None:
            known = constants(ast.Module(node.body, []))
            values = [known.get(n) for n in members_of(node) or ()]
            return [{"in": values}] if all(isinstance(v, (str, int)) for v in values) else []
        marked = any("dataclass" in (d := ast.unparse(n)) or d.startswith("config") for n in node.decorator_list)
        return [{"class": name}] if marked else []

    def _generic(self, node: ast.Subscript, depth: int) -> Shape:
        outer = ast.unparse(node.value).rpartition(".")[2]
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer == "Literal":
            words = _flat([value(i, self.settings.known(i)) for i in inner])
            return [] if any(isinstance(w, Unknown) for w in words) else [{"in": words}]
        if outer == "Optional":
            return _either(self._union(inner[0], depth + 1), ["null"])
        if outer == "Union":
            out = self._union(inner[0], depth + 1)
            for other in inner[1:]:
                out = _either(out, self._union(other, depth + 1))
            return out
        if outer in ("dict", "Dict", "Mapping"):
            return [{"dict": self._union(inner[1], depth + 1)}] if len(inner) == 2 else ["dict"]
        if outer in _SEQUENCES:
            fixed = outer in ("tuple", "Tuple") and not (len(inner) == 2 and value(inner[1], {}) is Ellipsis)
            return ["list"] if fixed else [{"list": self._union(inner[0], depth + 1)}]
        return []


def _either(left: Shape, right: Shape) -> Shape:
    return [*left, *(p for p in right if p not in left)] if left and right else []


def _flat(found: list[Any]) -> list[Any]:
    return [v for f in found for v in (_flat(f) if isinstance(f, list) else [f])]
