"""vLLM's flags that are made of settings classes: `kwargs = get_kwargs(ModelConfig)`, and what is changed in them."""

from __future__ import annotations

import ast
from typing import Any

from doctor.matrix.extract.fields import Settings
from doctor.matrix.extract.flags import Flag, type_name
from doctor.matrix.extract.literals import Names, Unknown, jsonable, value


def adds(node: ast.AST) -> bool:
    """Whether there is a call of `add_argument` in it."""
    return any(isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "add_argument" for n in ast.walk(node))


def spreads_of(tree: ast.Module, function: ast.FunctionDef, settings: Settings) -> Names:
    """`model_kwargs = get_kwargs(ModelConfig)` -> what that class's fields say, and what is set on it afterwards."""
    out: Names = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or not node.value.args:
            continue
        if isinstance(name := node.targets[0], ast.Name) and getattr(node.value.func, "id", "") == "get_kwargs":
            owner = ast.unparse(node.value.args[0])
            out[name.id] = settings.kwargs("FrontendArgs" if owner == "cls" else owner)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            _part(node.targets[0], node.value, out, settings)
    custom = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "_customize_cli_kwargs"]
    for node in (n for f in (*custom, function) for n in ast.walk(f)):
        _adjust(node, out)
        _removed(node, {**settings.names, **out})
    return out


def _part(target: ast.expr, part: ast.Subscript, out: Names, settings: Settings) -> None:
    """`x = kernel_kwargs["moe_backend"]`, `x = get_kwargs(VllmConfig)["logging_config"]`: the same dict, renamed."""
    key, owner = value(part.slice, {}), part.value
    if isinstance(owner, ast.Call) and getattr(owner.func, "id", "") == "get_kwargs" and owner.args:
        found: Any = settings.kwargs(ast.unparse(owner.args[0]))
    else:
        found = out.get(owner.id) if isinstance(owner, ast.Name) else None
    if isinstance(target, ast.Name) and isinstance(found, dict) and isinstance(found.get(key), dict):
        out[target.id] = found[key]


def _removed(node: ast.AST, names: Names) -> None:
    """`parallel_kwargs["all2all_backend"]["choices"].remove(X)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "remove":
        return
    found, word = value(node.func.value, names), value(node.args[0], names) if node.args else None
    if isinstance(found, list) and word in found:
        found.remove(word)


def _adjust(node: ast.AST, spreads: Names) -> None:
    """`kwargs["field"]["type"] = json.loads`, `del kwargs["field"]["nargs"]`."""
    targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else []
    for target in targets:
        if isinstance(target, ast.Subscript) and isinstance(target.value, (ast.Subscript, ast.Name)):
            kept, key = value(target.value, spreads), value(target.slice, {})
            if isinstance(kept, dict) and key in ("type", "nargs", "choices", "default"):
                kept.pop(key, None)
                if key == "type" and isinstance(node, ast.Assign):
                    kept.pop("optional", None)
                    kept.update({"optional": True} if ast.unparse(node.value).startswith("optional_type(") else {})
                if isinstance(node, ast.Assign):
                    found = type_name(node.value) if key == "type" else value(node.value, {})
                    kept.update({} if isinstance(found, Unknown) else {key: jsonable(found)})


def listed_pairs(function: ast.FunctionDef) -> dict[str, Flag]:
    """`for arg, type in [("--x", str), ...]: add_argument(arg, type=type, deprecated=True)` (0.11)."""
    out: dict[str, Flag] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.For) or not isinstance(node.iter, ast.List) or not adds(node):
            continue
        for pair in node.iter.elts:
            name = value(pair.elts[0], {}) if isinstance(pair, ast.Tuple) and len(pair.elts) == 2 else None
            if isinstance(pair, ast.Tuple) and isinstance(name, str) and name.startswith("--"):
                valued = ast.unparse(pair.elts[1])
                out[name] = {"type": valued, "deprecated": True} | ({"valued": True} if valued == "bool" else {})
    return out


def looped(function: ast.FunctionDef, spreads: Names) -> dict[str, Flag]:
    """`for key, value in frontend_kwargs.items(): add_argument(f"--{key...}", **value)`: every field is a flag."""
    out: dict[str, Flag] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.For) and adds(node) and isinstance(node.iter, ast.Call):
            fields = value(getattr(node.iter.func, "value", None), spreads)
            if not isinstance(fields, Unknown) and isinstance(fields, dict):
                out.update({"--" + k.replace("_", "-"): v for k, v in fields.items()})
    return out
