"""What the installed packages' own environment reporters look up: names in their source, which is not run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

from doctor.base.files import Files
from doctor.base.syntax import Unparsable, parse
from doctor.facts import Target

LARGEST = 1 << 20  # bytes of a source file
MOST = 2000  # names
LONGEST = 80  # characters of one
# a reporter's file, and the variables in it whose names it looks up
REPORTERS = {
    "vllm/collect_env.py": ("DEFAULT_PIP_PATTERNS", "report_prefix"), "vllm/envs.py": ("environment_variables",),
    "sglang/check_env.py": ("PACKAGE_LIST",), "lmdeploy/cli/cli.py": ("extra_reqs",),
    "transformers/cli/system.py": ("info",), "transformers/commands/env.py": ("info",),
}  # fmt: skip


def listed(target: Target) -> dict[str, tuple[str, ...]]:
    """The names by file and variable (`sglang/check_env.py:PACKAGE_LIST`); what is not there is left out."""
    found: dict[str, tuple[str, ...]] = {}
    for file, variables in REPORTERS.items():
        for name, value in _assignments(target, file):
            if name in variables and (names := _strings(value)):
                found.setdefault(f"{file}:{name}", names)
    return found


def assigned(target: Target, file: str) -> dict[str, object]:
    """The constants that a module assigns."""
    return {name: value.value for name, value in _assignments(target, file) if isinstance(value, ast.Constant)}


def _assignments(target: Target, file: str) -> Iterator[tuple[str, ast.expr]]:
    files = Files(target.root)
    source = next((s for entry in target.paths if (s := files.maybe(os.path.join(entry, file), LARGEST))), None)
    if source is None:
        return
    try:
        tree = parse(source)
    except Unparsable:
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            names = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((name.id, node.value) for name in names if isinstance(name, ast.Name))


def _strings(value: ast.expr) -> tuple[str, ...]:
    """The strings of a list, tuple or set; the keys of a dict."""
    parts = value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", ())
    found = [p.value for p in parts[:MOST] if isinstance(p, ast.Constant) and isinstance(p.value, str)]
    return tuple(text for text in found if 0 < len(text) <= LONGEST)
