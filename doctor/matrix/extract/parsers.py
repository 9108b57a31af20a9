"""What a release's own parser does to the words of a command, and which environment variables the release names."""

from __future__ import annotations

import ast
import re
from typing import Any

from doctor.matrix.extract.files import Files
from doctor.matrix.extract.flags import Flag, functions

CLASS = "FlexibleArgumentParser"
LONGEST_NAME = 100


def habits(files: Files, *members: str) -> dict[str, Any]:
    """The habits of the parser class in the first of `members` that has one; nothing where argparse is used as it is.

    `underscores` in names are dashes, `dotted` names are parts of JSON (`dotted_short`: with one
    hyphen too), `lists` (`--x.y+ a`), `config` names a file of
    options, `levels` (`-O3`), `inverses` (`--disable-x` for `--enable-x`), `model_first` (`serve --model M` is
    read as `serve M`), `model_refused` (it is an error), `served_after_model` (`serve --served-model-name x` is one
    without the model in front).
    """
    for member in members:
        if not files.has(member) or f"class {CLASS}" not in files.text(member):
            continue
        tree = files.tree(member)
        node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == CLASS)
        text = ast.unparse(node)
        found = {
            "underscores": "replace('_', '-')" in text,
            "dotted": "create_nested_dict" in text,
            "dotted_short": "startswith('-') and '.' in" in text,
            "lists": "endswith('+')" in text,
            "config": "_pull_args_from_config" in text,
            "levels": "startswith('-O')" in text and "len(arg) == 2" not in text,
            "inverses": any(isinstance(n, ast.ClassDef) and n.name == "EnableDisableAction" for n in tree.body),
            "model_first": "model_tag = args[model_idx" in text,
            "served_after_model": "--served[-_]model[-_]name" in text,
            "model_refused": "if model_in_cli_args:\n                raise" in text,
        }
        return {k: True for k, v in found.items() if v}
    return {}


def readable(tree: ast.Module) -> dict[str, str]:
    """Fields whose numbers may be written short (`8k`), with the function that reads them.

    Found as `if name == "max_model_len": kwargs[name]["type"] = human_readable_int`, or `name in human_readable_ints`.
    """
    out: dict[str, str] = {}
    sets: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Set):
            sets[node.targets[0].id] = _texts(node.value)
    for node in ast.walk(tree):
        if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
            continue
        if ast.unparse(node.test.left) != "name":
            continue
        against = node.test.comparators[0]
        names = sets.get(against.id, []) if isinstance(against, ast.Name) else _texts(against)
        for line in node.body:
            if isinstance(line, ast.Assign) and ast.unparse(line.value).startswith("human_readable_int"):
                out.update(dict.fromkeys(names, ast.unparse(line.value)))
    return out


def _texts(node: ast.expr) -> list[str]:
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def backends_of(serve: ast.Module, flags: dict[str, Flag]) -> dict[str, str]:
    """LMDeploy's flags that only one backend reads: those used in one branch of `if backend == 'pytorch'` alone."""
    function = functions(serve).get("api_server")
    branches = [n for n in ast.walk(function) if isinstance(n, ast.If) and _asks(n.test)] if function else []
    if function is None or not branches:
        return {}
    pytorch = {a for b in branches for line in b.body for a in _read(line)}
    turbomind = {a for b in branches for line in b.orelse for a in _read(line)}
    inside = {id(n) for b in branches for n in ast.walk(b)}
    elsewhere = {_name(n) for n in ast.walk(function) if id(n) not in inside}
    out: dict[str, str] = {}
    for flag in flags:
        dest = flag.lstrip("-").replace("-", "_")
        if dest not in elsewhere and (dest in pytorch) != (dest in turbomind):
            out[flag] = "pytorch" if dest in pytorch else "turbomind"
    return out


def _asks(test: ast.expr) -> bool:
    return ast.unparse(test) in ("backend == 'pytorch'", "args.backend == 'pytorch'")


def _read(node: ast.AST) -> set[str]:
    return {name for n in ast.walk(node) if (name := _name(n))}


def _name(node: ast.AST) -> str:
    """`x` of `args.x`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "args":
        return node.attr
    return ""


def variables(files: Files, members: list[str], *prefixes: str) -> dict[str, Any]:
    """Every name with one of the prefixes that stands anywhere in the text of `members`.

    A release that reads a variable has to name it; one that is named nowhere is read by nobody.
    """
    found: set[str] = set()
    pattern = re.compile(rf"\b(?:{'|'.join(prefixes)})_[A-Z0-9][A-Z0-9_]*\b")
    files.source.prefetch(members)
    for member in members:
        text = files.text(member)
        if any(f"{prefix}_" in text for prefix in prefixes):  # a search that takes far less than the pattern's
            found.update(name for name in pattern.findall(text) if len(name) <= LONGEST_NAME)
    return dict.fromkeys(sorted(found), True)
