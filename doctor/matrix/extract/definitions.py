"""Where a name of one file of a release is defined: there, or in another file that it is imported from."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from doctor.base.record import dataclass
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.literals import UNKNOWN, Names, Unknown, constants, value

_DEPTH = 4
Definition = ast.ClassDef | ast.FunctionDef | ast.expr


@dataclass(frozen=True, slots=True)
class Found:
    """A definition, the file that has it, and its name there."""

    member: str
    name: str
    node: Definition


def definition(files: Files, member: str, name: str, depth: int = 0) -> Found | None:
    """The class, function or assigned value of `name` as `member` sees it; None where the release does not define it.

    Imports at the top of a file and inside its functions count, those below `if TYPE_CHECKING` do not.
    """
    if depth > _DEPTH or not files.has(member):
        return None
    tree = files.tree(member)
    if own := _own(tree, name):
        return Found(member, name, own)
    for module, original in _imports(tree, member, name):
        other = files.first(f"{module}.py", f"{module}/__init__.py")
        if other and other != member and (found := definition(files, other, original, depth + 1)):
            return found
    return None


def named(files: Files, member: str, names: Iterable[str], depth: int = 0) -> Names:
    """The values of those of `names` that `member` imports: constants, `Class.attribute` and the names of an Enum."""
    out: Names = {}
    for name in names:
        head, dot, attribute = name.partition(".")
        found = definition(files, member, head)
        if found is None or (found.member == member and not dot):
            continue
        inside = constants(files.tree(found.member), _needed(files, found, depth) if depth < _DEPTH else None)
        if isinstance(found.node, ast.ClassDef):
            attributes = constants(ast.Module(found.node.body, []), inside)
            got = attributes.get(attribute, UNKNOWN) if dot else members_of(found.node)
        else:
            got = UNKNOWN if dot or isinstance(found.node, ast.FunctionDef) else inside.get(found.name, UNKNOWN)
        if not isinstance(got, Unknown) and got is not None:
            out[name] = got
    return out


def _needed(files: Files, found: Found, depth: int) -> Names:
    """What the definition itself needs from further files."""
    parts: list[ast.AST] = [found.node]
    if isinstance(found.node, ast.ClassDef):  # its tables, not its methods
        parts = [n for n in found.node.body if isinstance(n, (ast.Assign, ast.AnnAssign))]
    used = dict.fromkeys(n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name))
    return {} if isinstance(found.node, ast.FunctionDef) else named(files, found.member, used, depth + 1)


def members_of(node: ast.ClassDef) -> list[str] | None:
    """The names of an Enum's members, in order; None for any other class."""
    if not any("Enum" in ast.unparse(b) for b in node.bases):
        return None
    lines = (n for n in node.body if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name))
    return [n.targets[0].id for n in lines if not n.targets[0].id.startswith("_")]  # type: ignore[attr-defined]


def returned(files: Files, member: str, imported: Names) -> Names:
    """What the functions of `member` without arguments return last, as `f()`, where it can be computed."""
    out: Names = {}
    for node in files.tree(member).body:
        if not isinstance(node, ast.FunctionDef) or node.args.args or not isinstance(node.body[-1], ast.Return):
            continue
        last = node.body[-1].value
        inner = {n.id for n in ast.walk(last) if isinstance(n, ast.Name)} if last else set()
        got = value(last, {**imported, **named(files, member, inner)})
        if isinstance(got, list):
            out[f"{node.name}()"] = got
    return out


def _own(tree: ast.Module, name: str) -> Definition | None:
    found: Definition | None = None
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            found = node
        elif isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            found = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            found = node.value or found
    return found


def _imports(tree: ast.Module, member: str, name: str) -> Iterator[tuple[str, str]]:
    """The files (`a/b`) from which the name may come, with the name that it has there."""
    found = _imported(tree, member)
    yield from found.get(name, ())
    if not name.startswith("_"):
        yield from ((where, name) for where, _ in found.get("*", ()))


@lru_cache(maxsize=64)
def _imported(tree: ast.Module, member: str) -> dict[str, list[tuple[str, str]]]:
    """Every imported name of a file."""
    package = member.rpartition("/")[0].split("/")
    out: dict[str, list[tuple[str, str]]] = {}
    for node in _read(tree):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            where = "/".join([*above, *(node.module or "").split(".")]).rstrip("/")
            for alias in node.names:
                out.setdefault(alias.asname or alias.name, []).append((where, alias.name))
    return out


def _read(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield other
                yield from _read(other)
        else:
            yield from _read(node)
