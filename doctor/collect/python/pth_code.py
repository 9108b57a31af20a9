"""What the code lines of `.pth` files put on `sys.path`, worked out from their text; nothing of them is run.

A line is a sequence of simple statements. Followed are plain assignments, calls that change `sys.path`, and expressions
made of constants, `os.path` functions, `sitedir`, and the places of packages. Everything else is passed over.
"""

from __future__ import annotations

import ast
import os
import posixpath
from collections.abc import Callable

from doctor.base.files import Files
from doctor.base.record import dataclass
from doctor.base.syntax import Unparsable, parse

_JOINERS: dict[str, Callable[..., str]] = {
    "join": posixpath.join, "dirname": posixpath.dirname, "abspath": posixpath.normpath,
    "realpath": posixpath.normpath, "normpath": posixpath.normpath,
}  # fmt: skip
_LIMIT = 4096


@dataclass
class PathLine:
    """One code line: the site folder that it stands in, and the search path before it."""

    files: Files
    folder: str
    paths: list[str]
    names: dict[str, str]

    def added(self, line: str) -> list[tuple[bool, str]]:
        """The entries that the line puts on `sys.path`, each with whether it goes to the front."""
        try:
            body = parse(line[:_LIMIT]).body
        except Unparsable:
            return []
        out: list[tuple[bool, str]] = []
        for statement in body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                self._assign(statement.targets[0], statement.value)
            elif isinstance(statement, ast.Expr):
                out += self._call(statement.value)
        return out

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        known = self._text(value)
        if isinstance(target, ast.Name) and known is not None:
            self.names[target.id] = known

    def _call(self, node: ast.expr) -> list[tuple[bool, str]]:
        if isinstance(node, ast.BoolOp):
            return self._call(node.values[-1])
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return []
        method, owner = node.func.attr, ast.unparse(node.func.value)
        places = [self._text(a) for a in node.args]
        if (owner, method) == ("sys.path", "insert") and len(places) == 2 and places[1]:
            return [(_is_zero(node.args[0]), places[1])]
        if (owner, method) in (("sys.path", "append"), ("site", "addsitedir")) and places and places[0]:
            return [(False, places[0])]
        if (owner, method) == ("sys.path", "extend") and isinstance(node.args[0], (ast.List, ast.Tuple)):
            return [(False, place) for e in node.args[0].elts if (place := self._text(e))]
        return []

    def _text(self, node: ast.expr) -> str | None:
        """The value of an expression that gives a path, where it can be worked out."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self.folder if node.id == "sitedir" else self.names.get(node.id)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._text(node.left), self._text(node.right)
            return None if left is None or right is None else left + right
        if isinstance(node, ast.Call):
            return self._joined(node)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "__path__":
            return self._place(ast.unparse(node.value.value))
        if isinstance(node, ast.Attribute) and node.attr == "__file__":
            place = self._place(ast.unparse(node.value))
            return f"{place}/__init__.py" if place else None
        return self.folder if "sitedir" in ast.unparse(node) and isinstance(node, ast.Subscript) else None

    def _joined(self, node: ast.Call) -> str | None:
        owner, _, name = ast.unparse(node.func).rpartition(".")
        parts = [self._text(a) for a in node.args]
        if owner not in ("os.path", "path") or name not in _JOINERS or not parts or any(p is None for p in parts):
            return None
        return _JOINERS[name](*parts) if name == "join" or len(parts) == 1 else None

    def _place(self, package: str) -> str | None:
        """The folder of a package, as the search path before this line has it."""
        inner = package.replace(".", "/")
        folders = (os.path.join(p, inner) for p in self.paths)
        return next((f for f in folders if self.files.isdir(f)), None)


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0
