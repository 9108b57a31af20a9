"""Command line flags as `argparse` is told of them: each `add_argument` call, helper functions followed."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from doctor.matrix.extract.literals import UNKNOWN, Names, Unknown, jsonable, value

Flag = dict[str, Any]
Function = ast.FunctionDef | ast.AsyncFunctionDef
_SWITCHES = {"store_true": False, "store_false": True}
_DEPTH = 6


def functions(tree: ast.AST) -> dict[str, Function]:
    """Every function below `tree` by name, methods too; the last one of a name counts."""
    return {n.name: n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}


def flags_of(function: Function, names: Names, helpers: Mapping[str, Function] | None = None) -> dict[str, Flag]:
    """The flags that `function` adds to its parser, in order: `--tp` -> `{type, choices, default, aliases, ...}`.

    A call of one of `helpers` with a parser is followed, its own defaults and the given keywords in force. What cannot
    be told from the text (a default computed at run time) is left out of the flag.
    """
    out: dict[str, Flag] = {}
    _follow(function, names, helpers or {}, out, 0)
    return out


def flag(call: ast.Call, names: Names) -> tuple[str, Flag] | None:
    """One `add_argument` call, or None where the flag's own name is computed."""
    spelled = [s for a in call.args if isinstance(s := value(a, names), str)]
    if not spelled:
        return None
    given = {k.arg: k.value for k in call.keywords if k.arg}
    name = next((s for s in spelled if s.startswith("--")), spelled[0])
    out = _spread(call, names)
    if "type" not in out or "type" in given or "action" in given:
        out["type"] = _type(given, names)
    if aliases := sorted(s for s in spelled if s != name):
        out["aliases"] = aliases
    action = value(given.get("action"), names)
    if isinstance(action, str) and action in _SWITCHES:
        out["default"] = _SWITCHES[action]
    acted(given, out)
    for key in ("choices", "default", "nargs", "const"):
        found = value(given[key], names) if key in given else UNKNOWN
        if not isinstance(found, Unknown) and not _holds_unknown(found):
            out[key] = jsonable(found)
    if value(given.get("required"), names) is True:
        out["required"] = True
    if value(given.get("deprecated"), names) is True:
        out["deprecated"] = True
    return name, out


def acted(given: Mapping[str, ast.expr], out: Flag) -> None:
    """What the flag's action and type say beyond its kind.

    `negatable`: `--no-x` too; `switch`: takes no value; `refused`: is there only to be rejected; `optional`: the word
    None is no value; `valued`: a bool that takes a word.
    """
    action = ast.unparse(given["action"]) if "action" in given else ""
    if "BooleanOptionalAction" in action:
        out |= {"negatable": True, "type": "bool"}
    elif action == "DeprecatedAction":
        out |= {"switch": True, "refused": True}
    elif action.startswith("Deprecated") and "Store" in action and "Alias" not in action:
        # such an action takes no value, but for `nargs=None` (one) and for a class that has only the plain signature
        out |= {} if "nargs" in given or action.endswith("FileAction") else {"switch": True}
    elif action == "StoreBoolean":
        out["type"] = "true or false"
    if "type" in given:
        _typed(given["type"], out)


def _typed(node: ast.expr, out: Flag) -> None:
    shown = ast.unparse(node)
    if shown == "nullable_str" or shown.startswith("optional_type("):
        out["optional"] = True
    if shown == "bool":
        out["valued"] = True


def type_name(node: ast.expr) -> str:
    """The name of a conversion function; that of the inner one for `optional_type(x)` and `parse_type(x)`."""
    if isinstance(node, ast.Lambda):
        folds = ast.unparse(node.body) == f"{_parameter(node)}.lower().replace('-', '_')"
        return "folded text" if folds else "callable"
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("optional_type", "parse_type") and node.args:
        return type_name(node.args[0])
    return ast.unparse(node).partition("(")[0]


def _parameter(node: ast.Lambda) -> str:
    return node.args.args[0].arg if node.args.args else ""


def _spread(call: ast.Call, names: Names) -> Flag:
    """What `**kwargs["field"]` brings, where `names` knows `kwargs` as a dict of flags."""
    out: Flag = {}
    for keyword in call.keywords:
        found = value(keyword.value, names) if keyword.arg is None else None
        if isinstance(found, dict):
            out.update({k: v for k, v in found.items() if not _holds_unknown(v)})
    return out


def _follow(
    function: Function, names: Names, helpers: Mapping[str, Function], out: dict[str, Flag], depth: int
) -> None:
    scope = {**names, **_defaults(function, names)}
    exclusive = _exclusive(function)
    for node in function.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found = value(node.value, scope)
            if not isinstance(found, Unknown) or not isinstance(scope.get(node.targets[0].id), dict):
                scope[node.targets[0].id] = found
        for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            _added(call, scope)
            called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            before = set(out)
            if called == "add_argument":
                if added := flag(call, scope):
                    out[added[0]] = added[1]
            elif called in helpers and depth < _DEPTH and helpers[called] is not function:
                given = {k.arg: value(k.value, scope) for k in call.keywords if k.arg}
                _follow(helpers[called], {**names, **given, "": given}, helpers, out, depth + 1)
            if group := exclusive & _parsers_of(call):
                for name in set(out) - before:
                    out[name]["exclusive"] = min(group)


def _added(call: ast.Call, scope: Names) -> None:
    """`choices.add("x")`, even below an `if`: what may be among the choices at run time is one that is not refused."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr in ("add", "append") else None
    found = scope.get(owner.id) if isinstance(owner, ast.Name) else None
    word = value(call.args[0], scope) if len(call.args) == 1 else UNKNOWN
    if isinstance(owner, ast.Name) and isinstance(found, list) and isinstance(word, str):
        scope[owner.id] = [*found, word]


def _exclusive(function: Function) -> set[str]:
    """The variables that hold groups of which one may be given."""
    found = (n for n in ast.walk(function) if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name))
    return {n.targets[0].id for n in found if "add_mutually_exclusive_group(" in ast.unparse(n.value)}  # type: ignore[attr-defined]


def _parsers_of(call: ast.Call) -> set[str]:
    owner = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return {n.id for n in (*owner, *call.args) if isinstance(n, ast.Name)}


def _defaults(function: Function, names: Names) -> Names:
    """A helper's parameters: what its caller gave (under the empty key), else their defaults."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    pairs = zip(reversed(arguments), reversed(function.args.defaults), strict=False)
    out = {a.arg: value(d, names) for a, d in pairs}
    keywords = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    out |= {a.arg: value(d, names) for a, d in keywords if d}
    return {**out, **(names.get("") or {})}


def _type(given: Mapping[str, ast.expr], names: Names) -> str:
    action = value(given.get("action"), names)
    if isinstance(action, str) and action in _SWITCHES:
        return "bool"
    shown = ast.unparse(given["action"]) if "action" in given else ""
    if "BooleanOptionalAction" in shown:
        return "bool"
    return type_name(given["type"]) if "type" in given else "str"


def _holds_unknown(found: Any) -> bool:
    if isinstance(found, dict):
        return any(map(_holds_unknown, found.values()))
    return any(map(_holds_unknown, found)) if isinstance(found, (list, tuple, set)) else isinstance(found, Unknown)
