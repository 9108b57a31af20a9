"""Lazy packages: what a package says it provides where its own names appear only on first use.

Three generations are read: an `_import_structure` dict filled step by step (transformers, optimum, diffusers),
`define_import_structure(...)`, which at run time reads the `__all__` of the files around it (transformers since 4.48),
and `_SUBMOD_ATTRS` (huggingface_hub).
"""

from __future__ import annotations

import ast
from dataclasses import field

from doctor.base.record import dataclass
from doctor.matrix.extract.bindings import is_type_checking, strings

_FALLBACK = "_LEGACY_MODULE_ALIASES"


@dataclass(slots=True)
class Lazy:
    """What one lazy `__init__` declares.

    `names` are its keys' values, `modules` the keys; `reads` are folders (relative, "" for its own) whose files'
    `__all__` it reads. `aliases` maps other names of submodules to the real ones. `replaces` tells that the module
    object is replaced, so that ordinary names of the file do not show. `fast_images` tells that every
    `models/x/image_processing_x` is found under the name of its former `_fast` twin, too (transformers since 5.4).
    """

    names: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    replaces: bool = False
    fast_images: bool = False


def lazy(tree: ast.Module, text: str) -> Lazy | None:
    """The lazy structure that an `__init__` declares, or None where it is an ordinary one."""
    if "_LazyModule" not in text and "_SUBMOD_ATTRS" not in text:
        return None
    found = Lazy()
    _walk(tree.body, found)
    found.fast_images = "{_module}_fast" in text or "_LEGACY_FAST_IMAGE_PROCESSOR_MODULE" in text
    found.replaces = any(_name(c.func) == "_LazyModule" for c in _calls(tree))
    return found if found.replaces or found.names else None


def _walk(body: list[ast.stmt], found: Lazy) -> None:
    for node in body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                _assigned(target, node.value, found)
        elif isinstance(node, ast.AugAssign):
            _assigned(node.target, node.value, found)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            _called(node.value, found)
        elif isinstance(node, ast.If):
            _walk([] if is_type_checking(node.test) else node.body, found)
            _walk(node.orelse, found)
        elif isinstance(node, ast.Try):
            for block in (node.body, *(h.body for h in node.handlers), node.orelse):
                _walk(block, found)


def _assigned(target: ast.expr, value: ast.expr, found: Lazy) -> None:
    name = _name(target)
    if name in ("_import_structure", "import_structure", "_SUBMOD_ATTRS") and isinstance(value, ast.Dict):
        for key, item in zip(value.keys, value.values, strict=True):
            _entry(key, item, found)
    elif name == _FALLBACK and isinstance(value, ast.Dict):
        found.aliases.update(_string_pairs(value))
    elif name == "_extra_objects" and isinstance(value, ast.Dict):
        found.names.update(k.value for k in value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str))
    elif isinstance(target, ast.Subscript) and _name(target.value) in ("_import_structure", "import_structure"):
        _entry(target.slice, value, found)
    for call in _calls(value):
        _reads(call, found)


def _called(call: ast.Call, found: Lazy) -> None:
    """`_import_structure["x"].append("Y")`, `.extend([...])`, `_import_structure.update({...})`, an alias call."""
    for inner in _calls(call):
        _reads(inner, found)
    if _name(call.func) in ("_create_tokenization_alias", "_create_module_alias") and len(call.args) == 2:
        alias, target = _tail(call.args[0]), _tail(call.args[1])
        if alias and target:
            found.aliases[alias] = target
    if not isinstance(call.func, ast.Attribute) or not call.args:
        return
    owner, method, first = call.func.value, call.func.attr, call.args[0]
    if isinstance(owner, ast.Subscript) and _name(owner.value) in ("_import_structure", "import_structure"):
        item = ast.List(elts=[first]) if method == "append" else first
        _entry(owner.slice, item, found)
    elif _name(owner) == "_import_structure" and method == "update" and isinstance(first, ast.Dict):
        for key, value in zip(first.keys, first.values, strict=True):
            _entry(key, value, found)


def _entry(key: ast.expr | None, item: ast.expr, found: Lazy) -> None:
    """One submodule and its names; dummies (stand-ins for what is not installed) only repeat names of others."""
    if isinstance(key, ast.Constant) and isinstance(key.value, str) and "dummy_" not in key.value:
        found.modules.add(key.value)
        found.names.update(strings(item) or ())


def _reads(call: ast.Call, found: Lazy) -> None:
    if _name(call.func) == "define_import_structure" and call.args:
        part = call.args[0]
        literal = part.right if isinstance(part, ast.BinOp) else None
        found.reads.add(literal.value if isinstance(literal, ast.Constant) and isinstance(literal.value, str) else "")
    if _name(call.func) == "_LazyModule":
        for keyword in call.keywords:
            if keyword.arg == "extra_objects" and isinstance(keyword.value, ast.Dict):
                found.names.update(
                    k.value for k in keyword.value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)
                )


def _string_pairs(node: ast.Dict) -> dict[str, str]:
    return {
        k.value: v.value
        for k, v in zip(node.keys, node.values, strict=True)
        if isinstance(k, ast.Constant) and isinstance(v, ast.Constant)
        if isinstance(k.value, str) and isinstance(v.value, str)
    }


def _tail(node: ast.expr) -> str:
    """The last dotted part of a string or of an f-string's literal end."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[-1]
    return node.value.rpartition(".")[2] if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _calls(node: ast.AST) -> list[ast.Call]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Call)]


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
