"""The fuller version that only a package's own `version.py` knows: torch 2.12.1 is really `2.12.1+cu130`."""

from __future__ import annotations

import ast
import os
import re

from doctor.base.files import Files
from doctor.base.syntax import Unparsable, parse
from doctor.collect.packages.record_file import Record

_NAMES = ("version.py", "_version.py", "__version__.py")
_LIMIT = 64 << 10
_VARIABLES = {"__version__", "version", "VERSION"}


def full_version(files: Files, location: str, version: str, top: tuple[str, ...], record: Record | None) -> str | None:
    """`version` with the local part that a `version.py` of its packages adds, or None."""
    if "+" in version:
        return None
    wanted = f"{version}+".encode()
    for package in top[:8]:
        for name in _NAMES:
            if record is not None and not record.lists(f"{package}/{name}"):
                continue
            source = files.maybe(os.path.join(location, package, name), _LIMIT)
            if source and wanted in source and (found := _literal(source, version)):
                return found
    return None


def _literal(source: bytes, version: str) -> str | None:
    """The string assigned to `__version__` at module level, if it is `version` and a valid local part."""
    try:
        body = parse(source).body
    except Unparsable:
        return None
    local = re.compile(re.escape(version) + r"\+[A-Za-z0-9]{1,40}(?:[._-][A-Za-z0-9]{1,40}){0,8}$")
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if not any(isinstance(t, ast.Name) and t.id in _VARIABLES for t in targets):
            continue
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and local.match(value.value):
            return value.value
    return None
