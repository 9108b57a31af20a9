"""Versions that packages check when they are imported, read from the checking files with `ast`.

`transformers` and the packages made after its pattern keep `dependency_versions_check.py` (which packages are looked
at) beside `dependency_versions_table.py` (what is required of them) and raise ImportError where one does not fit.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from typing import Any

from doctor.base.files import Files
from doctor.base.syntax import Unparsable, literal, parse
from doctor.collect.packages.record_file import Record
from doctor.facts import Distribution, Gate

_CHECK = "dependency_versions_check.py"
_TABLE = "dependency_versions_table.py"
_LIMIT = 1 << 20


def read_gates(files: Files, installed: tuple[Distribution, ...], records: dict[str, Record]) -> tuple[Gate, ...]:
    """The version gates of every installed distribution that has the two files, in the order they are checked."""
    gates: list[Gate] = []
    for one in installed:
        record = records.get(one.metadata_path)
        for package in one.top_level:
            if record is None or record.lists(f"{package}/{_CHECK}"):
                gates.extend(_gates(files, one, package))
    return tuple(gates)


def _gates(files: Files, owner: Distribution, package: str) -> Iterator[Gate]:
    folder = os.path.join(owner.location, package)
    check = _parse(files, os.path.join(folder, _CHECK))
    table = _assigned(_parse(files, os.path.join(folder, _TABLE)), "deps")
    names = _assigned(check, "pkgs_to_check_at_runtime")
    if not isinstance(table, dict) or not isinstance(names, (list, tuple)):
        if isinstance(names, str):
            names = names.split()
        if not isinstance(table, dict) or not isinstance(names, list):
            return
    optional, line = _loop(check)
    for name in names:
        requirement = table.get(name)
        if isinstance(requirement, str):
            yield Gate(owner.name, requirement, f"{package}/{_CHECK}", line, True, name in optional)


def _parse(files: Files, path: str) -> list[ast.stmt]:
    source = files.maybe(path, _LIMIT)
    try:
        return parse(source).body if source else []
    except Unparsable:
        return []


def _assigned(body: list[ast.stmt], name: str) -> Any:
    """The value of the first assignment to `name`: a literal, or a literal string that is `.split()`."""
    for statement in body:
        if not isinstance(statement, ast.Assign) or not any(
            isinstance(t, ast.Name) and t.id == name for t in statement.targets
        ):
            continue
        value: ast.expr = statement.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "split":
            value = value.func.value
        try:
            return literal(value)
        except Unparsable:
            return None
    return None


def _loop(body: list[ast.stmt]) -> tuple[set[str], int]:
    """Names that the checking loop skips where they are not installed, and the line of its `require_version_core`."""
    optional: set[str] = set()
    line = 1
    for loop in (s for s in body if isinstance(s, ast.For)):
        for node in ast.walk(loop):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "").startswith("require_version"):
                line = node.lineno
            if isinstance(node, ast.If) and any(isinstance(n, ast.Continue) for s in node.body for n in ast.walk(s)):
                optional.update(_compared(node.test))
    return optional, line


def _compared(test: ast.expr) -> set[str]:
    """The strings that a test compares with."""
    return {
        n.value
        for c in ast.walk(test)
        if isinstance(c, ast.Compare)
        for n in ast.walk(c)
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
