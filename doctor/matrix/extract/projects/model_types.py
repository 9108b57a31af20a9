"""The model types for which an engine has a configuration class of its own, so that transformers need not know them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import field

from doctor.base.record import dataclass
from doctor.matrix.extract.files import Files

TABLE = "_CONFIG_REGISTRY"
_DEPTH = 8


def registered(files: Files, members: list[str], configurations: str) -> dict[str, str]:
    """Type -> class, from the table of the first of `members` that has one.

    A class in the table stands for the `model_type` that its file below `configurations` gives it. Empty where there is
    no table, or where it holds something that cannot be followed: half a table would say that a type is not known.
    """
    for member in members:
        if files.has(member) and TABLE in files.text(member) and any(_assigned(files.tree(member), TABLE)):
            reading = _Reading(files, files.tree(member), configurations)
            found = dict(sorted(reading.entries(TABLE, 0)))
            return {} if reading.lost else found
    return {}


@dataclass
class _Reading:
    """The reading of one table; `lost` once an entry could not be followed."""

    files: Files
    tree: ast.Module
    folder: str
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    lost: bool = False

    def entries(self, name: str, depth: int) -> Iterator[tuple[str, str]]:
        """What the name is assigned at the top of the module."""
        for value in _assigned(self.tree, name):
            if isinstance(value, ast.Dict):
                yield from self._written(value, depth)
            elif isinstance(value, ast.Call):
                yield from ((k.arg, _class(k.value)) for k in value.keywords if k.arg)
            elif isinstance(value, (ast.List, ast.Tuple)):
                yield from self._listed(value)
            elif isinstance(value, ast.DictComp) and isinstance(listed := value.generators[0].iter, ast.List):
                yield from self._listed(listed)

    def _written(self, value: ast.Dict, depth: int) -> Iterator[tuple[str, str]]:
        for key, entry in zip(value.keys, value.values, strict=True):
            if key is None and isinstance(entry, ast.Name) and depth < _DEPTH:
                yield from self.entries(entry.id, depth + 1)
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, _class(entry)
            elif isinstance(key, ast.Attribute) and key.attr == "model_type" and isinstance(key.value, ast.Name):
                yield from self._of(key.value.id)
            else:
                self.lost = True

    def _listed(self, value: ast.List | ast.Tuple) -> Iterator[tuple[str, str]]:
        for item in value.elts:
            if isinstance(item, ast.Name):
                yield from self._of(item.id)
            else:
                self.lost = True

    def _of(self, name: str) -> Iterator[tuple[str, str]]:
        found = self._model_type(name, 0)
        self.lost |= found is None
        if found is not None:
            yield found, name

    def _model_type(self, name: str, depth: int) -> str | None:
        """`model_type` of a class, or of the first base below the folder that has one."""
        if not self.classes:
            for member in self.files.below(self.folder):
                self.classes.update({n.name: n for n in self.files.tree(member).body if isinstance(n, ast.ClassDef)})
        found = self.classes.get(name)
        if found is None or depth > _DEPTH:
            return None
        for target, value in _assignments(found.body):
            if isinstance(target, ast.Name) and target.id == "model_type" and isinstance(value, ast.Constant):
                return str(value.value)
        bases = (b.id for b in found.bases if isinstance(b, ast.Name))
        return next((t for b in bases if (t := self._model_type(b, depth + 1))), None)


def _assigned(tree: ast.Module, name: str) -> list[ast.expr]:
    return [v for target, v in _assignments(tree.body) if isinstance(target, ast.Name) and target.id == name]


def _assignments(body: list[ast.stmt]) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in body:
        if isinstance(node, ast.Assign):
            yield node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield node.target, node.value


def _class(entry: ast.expr) -> str:
    return entry.value if isinstance(entry, ast.Constant) and isinstance(entry.value, str) else ast.unparse(entry)[:100]
