"""Settings classes whose fields become flags: annotations read as `argparse` settings (vLLM since 0.8, SGLang)."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import field
from typing import Any

from doctor.base.record import dataclass
from doctor.base.syntax import Unparsable, expression
from doctor.matrix.extract.definitions import definition, named
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.literals import UNKNOWN, Names, Unknown, constants, jsonable, value

Flag = dict[str, Any]
_DEPTH = 8


@dataclass
class Settings:
    """Every class and type alias of some files. `kwargs(name)` gives a class's fields as flags.

    `negatable`: a bool makes `--no-x` too; `unions`: a dict or text is told apart by its braces; `readable` are fields
    whose numbers may be written short, with the function that reads them. With `files`, a name that the trees import
    (`imports`: the module) is looked up where it is defined. A flag with `bounds` names the `class` that has them.
    """

    names: Names = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    aliases: dict[str, ast.expr] = field(default_factory=dict)
    negatable: bool = False
    unions: bool = False
    readable: dict[str, str] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    files: Files | None = None

    def read(self, trees: Iterable[ast.Module]) -> Settings:
        """Adds the classes, aliases and constants of `trees`."""
        for tree in trees:
            self.names.update({k: v for k, v in constants(tree).items() if not isinstance(v, Unknown)})
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self.classes.setdefault(node.name, node)
            for line in tree.body:
                if isinstance(line, ast.ImportFrom) and line.module and not line.level:
                    self.imports.update({a.asname or a.name: f"{line.module}:{a.name}" for a in line.names})
                elif isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                    self.aliases[line.targets[0].id] = line.value
                elif isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value:
                    self.aliases[line.target.id] = line.value
        for name, node in self.classes.items():
            for target, _, default in self._fields(node, 0):
                found = self.default(default)
                if not isinstance(found, Unknown):
                    self.names.setdefault(f"{name}.{target}", found)
        return self

    def kwargs(self, name: str) -> dict[str, Flag]:
        """The fields of class `name` as flags, by field name; empty for a class that is not known."""
        node = self.classes.get(name)
        out = {t: self._flag(t, a, d) for t, a, d in self._fields(node, 0)} if node else {}
        for made in out.values():
            made.update({"class": name} if "bounds" in made else {})
        return out

    def all_fields(self, node: ast.ClassDef) -> list[tuple[str, ast.expr, ast.expr | None]]:
        """Name, annotation and default of the fields of a class and of those that it inherits from."""
        return self._fields(node, 0)

    def known(self, node: ast.expr) -> Names:
        """The constants, with those that the expression needs from elsewhere in the release."""
        for name in (n.id for n in ast.walk(node) if isinstance(n, ast.Name)):
            if name not in self.names and name not in self.aliases:
                self.look_up(name)
            if name not in self.names and name in self.aliases:
                found = value(self.aliases[name], self.names)
                self.names |= {} if isinstance(found, Unknown) else {name: found}
        return self.names

    def _fields(self, node: ast.ClassDef, depth: int) -> list[tuple[str, ast.expr, ast.expr | None]]:
        out: dict[str, tuple[str, ast.expr, ast.expr | None]] = {}
        for base in node.bases:
            parent = self.classes.get(getattr(base, "id", ""))
            if parent and parent is not node and depth < _DEPTH:
                out.update({f[0]: f for f in self._fields(parent, depth + 1)})
        for line in node.body:
            if isinstance(line, ast.AnnAssign) and isinstance(name := line.target, ast.Name):
                if "ClassVar" in ast.unparse(line.annotation) or name.id.startswith("_"):
                    continue
                out[name.id] = (name.id, line.annotation, line.value)
        return list(out.values())

    def _flag(self, name: str, annotation: ast.expr, default: ast.expr | None) -> Flag:
        """As vLLM does: a settings class, bool, Literal, tuple, list, int, float, dict, str, in this order."""
        hints = self._hints(annotation, 0)
        out: Flag = {}
        literal = next((h for h in hints if isinstance(h, list)), None)
        plain = {h for h in hints if isinstance(h, str)}
        listed = next((h for h in hints if isinstance(h, tuple)), None)
        if "bool" in plain and "class" not in plain:
            out["type"] = "bool"
            if plain == {"bool", "str", "None"} and self.negatable:
                out |= {"type": "str", "nargs": "?"}
            elif self.negatable:
                out["negatable"] = True
        elif literal is not None:
            out["type"] = type(literal[0]).__name__ if literal else "str"
            if "str" not in plain:
                out["choices"] = sorted((c for c in literal if c is not None), key=str)
        elif listed is not None:
            out |= {"type": listed[0] or "str", "nargs": "+"}
            if listed[1] is not None:
                out["choices"] = sorted(listed[1], key=str)
        else:
            out["type"] = self._scalar(name, plain)
        if "None" in plain and out["type"] != "bool" and self.negatable:
            out["optional"] = True
        if out["type"] == "json object":
            parts = (n.id for n in ast.walk(_plain(annotation)) if isinstance(n, ast.Name))
            out |= next(({"class": p} for p in parts if p in self.classes and self._own(p) == "class"), {})
        found = self.default(default)
        if not isinstance(found, Unknown):
            out["default"] = jsonable(found)
        if limits := self.limits(default):
            out["bounds"] = limits
        return out

    def limits(self, default: ast.expr | None) -> dict[str, float]:
        """What `Field(ge=1, le=8)` says of a number."""
        given = {k.arg: k.value for k in default.keywords if k.arg} if isinstance(default, ast.Call) else {}
        known = {k: value(given[k], self.names) for k in ("ge", "gt", "le", "lt") if k in given}
        return {k: v for k, v in known.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}

    def _scalar(self, name: str, plain: set[str]) -> str:
        if "class" in plain:
            return "json object"
        number = next((t for t in ("int", "float") if t in plain), None)
        if number:
            return self.readable.get(name, number) if number == "int" else number
        if "json" in plain:
            return "union_dict_and_str" if self.unions and plain - {"json", "None"} else "json"
        return "str"

    def _hints(self, node: ast.expr, depth: int) -> list[Any]:
        """The parts of a union: names as text, a Literal as the list of its values, a sequence as (type, choices)."""
        if depth > _DEPTH:
            return []
        if isinstance(node, ast.Constant):
            return ["None"] if node.value is None else self._quoted(node, depth)
        if isinstance(node, ast.BinOp):
            return self._hints(node.left, depth + 1) + self._hints(node.right, depth + 1)
        if isinstance(node, ast.Subscript):
            return self._generic(node, depth)
        name = node.id if isinstance(node, ast.Name) else ast.unparse(node).rpartition(".")[2]
        if isinstance(node, ast.Name) and name not in self.aliases and name not in self.classes:
            self.look_up(name)
        if name in self.aliases and name not in self.classes:
            return self._hints(self.aliases[name], depth + 1)
        if name in self.classes:
            return [self._own(name)]
        return [{"dict": "json", "Any": "str", "Path": "str"}.get(name, name)]

    def look_up(self, name: str) -> None:
        """Adds the class or alias of a name that one of the trees imports from elsewhere in the release."""
        module, _, original = self.imports.get(name, "").partition(":")
        if self.files is None or not module:
            return
        path = module.replace(".", "/")
        member = self.files.first(f"{path}.py", f"{path}/__init__.py")
        found = definition(self.files, member, original) if member else None
        if found is None:
            return
        if isinstance(found.node, ast.ClassDef):
            self.classes[name] = found.node
        elif not isinstance(found.node, ast.FunctionDef):
            used = {n.id for n in ast.walk(found.node) if isinstance(n, ast.Name)}
            inside = constants(self.files.tree(found.member), named(self.files, found.member, used))
            self.names = {**{k: v for k, v in inside.items() if k in used}, **self.names}
            self.aliases[name] = found.node

    def _own(self, name: str) -> str:
        """What a class of the release is: `json` (a kind of dict), `class` (settings: a dataclass), or any `object`."""
        node = self.classes[name]
        bases = [ast.unparse(b).partition("[")[0] for b in node.bases]
        if "dict" in bases:
            return "json"
        marked = any("dataclass" in (d := ast.unparse(n)) or "config" in d for n in node.decorator_list)
        above = (self._own(b) for b in bases if b in self.classes and b != name)
        return "class" if marked else next((a for a in above if a != "object"), "object")

    def _quoted(self, node: ast.Constant, depth: int) -> list[Any]:
        try:
            return self._hints(expression(str(node.value)), depth + 1)
        except Unparsable:
            return []

    def _generic(self, node: ast.Subscript, depth: int) -> list[Any]:
        outer = ast.unparse(node.value).rpartition(".")[2]
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer == "Literal":
            literals = _flat([value(i, self.known(i)) for i in inner])
            return [self._base(literals)] if any(isinstance(v, Unknown) for v in literals) else [literals]
        if outer in ("Union", "Optional"):
            return [h for i in inner for h in self._hints(i, depth + 1)] + ["None"] * (outer == "Optional")
        if outer in ("Annotated", "A", "SkipValidation", "Final"):
            return self._hints(inner[0], depth + 1)
        if outer in ("list", "List", "tuple", "Tuple", "Sequence", "set", "Set"):
            parts = self._hints(inner[0], depth + 1)
            literal = next((p for p in parts if isinstance(p, list)), None)
            return [(next((p for p in parts if isinstance(p, str) and p != "None"), "str"), literal)]
        return ["json"] if outer in ("dict", "Dict", "Mapping") else ["str"]

    def _base(self, literals: list[Any]) -> str:
        """The type of a Literal of which not every value is known: then none of them is a limit."""
        return next((type(v).__name__ for v in literals if not isinstance(v, Unknown)), "str")

    def default(self, node: ast.expr | None) -> Any:
        """A field's default: a value, `field(default=..)`, `Field(..)`, `Other.name`; UNKNOWN where it is computed."""
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ("field", "Field"):
                given = {k.arg: k.value for k in node.keywords}
                if "default_factory" in given:
                    made = ast.unparse(given["default_factory"])
                    return {"list": [], "dict": {}}.get(made, UNKNOWN)
                return value(given.get("default") or (node.args[0] if node.args else None), self.names)
            if called == "get_field" and len(node.args) == 2:
                owner, name = ast.unparse(node.args[0]), value(node.args[1], self.names)
                return self.names.get(f"{owner}.{name}", UNKNOWN)
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            return UNKNOWN
        return value(node, self.names)


def _plain(annotation: ast.expr) -> ast.expr:
    """An annotation that is quoted as a whole, without its quotes."""
    try:
        return expression(str(annotation.value)) if isinstance(annotation, ast.Constant) else annotation
    except Unparsable:
        return annotation


def _flat(found: list[Any]) -> list[Any]:
    """A Literal of Literals is one list."""
    return [v for f in found for v in (_flat(f) if isinstance(f, list) else [f])]
