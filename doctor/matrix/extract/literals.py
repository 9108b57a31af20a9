"""Values that a source file states, computed from its syntax tree: literals, f-strings, dicts filled step by step."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, Final


class Unknown:
    """A value that cannot be told without running the code."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
Names = dict[str, Any]


def value(node: ast.expr | None, names: Names) -> Any:
    """What the expression evaluates to, `names` being the module's constants; UNKNOWN where that is behaviour."""
    reader = _READERS.get(type(node))
    return UNKNOWN if reader is None else reader(node, names)


def constants(tree: ast.Module, imported: Names | None = None) -> Names:
    """The module's constants: assignments, and what `.update`, `.append`, `[k] = v` and `+=` do to them, in order.

    `imported` are constants of other modules that it imports; they are changed as it changes them.
    """
    names: Names = dict(imported or {})
    for node in _flat(tree.body):
        _assign(node, names)
    return names


def jsonable(data: Any) -> Any:
    """`data` as JSON can hold it: sets sorted, tuples as lists, what is unknown as None."""
    if isinstance(data, dict):
        return {str(k): jsonable(v) for k, v in data.items()}
    if isinstance(data, (set, frozenset)):
        return sorted((jsonable(v) for v in data), key=repr)
    if isinstance(data, (list, tuple)):
        return [jsonable(v) for v in data]
    return data if isinstance(data, (str, int, float, bool)) or data is None else None


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _flat(node.body)
            yield from _flat(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _flat(node.body)


def _assign(node: ast.stmt, names: Names) -> None:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        _store(node.targets[0], node.value, names)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        _store(node.target, node.value, names)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id in names:
        names[node.target.id] = _joined(names[node.target.id], value(node.value, names))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        _called(node.value, names)


def _store(target: ast.expr, source: ast.expr, names: Names) -> None:
    if isinstance(target, ast.Name):
        names[target.id] = value(source, names)
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        owner, key = names.get(target.value.id), value(target.slice, names)
        if isinstance(owner, dict) and not isinstance(key, Unknown):
            owner[key] = value(source, names)


def _called(call: ast.Call, names: Names) -> None:
    if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, ast.Name):
        return
    owner = names.get(call.func.value.id)
    given = value(call.args[0], names) if call.args else {k.arg: value(k.value, names) for k in call.keywords}
    if isinstance(owner, dict) and call.func.attr == "update" and isinstance(given, dict):
        owner.update(given)
    elif isinstance(owner, list) and call.func.attr in ("append", "add"):
        owner.append(given)
    elif isinstance(owner, list) and call.func.attr == "extend" and isinstance(given, (list, tuple)):
        owner.extend(given)


def _joined(left: Any, right: Any) -> Any:
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return [*left, *right]
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if isinstance(left, set) and isinstance(right, set):
        return left | right
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return UNKNOWN


def _list(node: Any, names: Names) -> Any:
    out: list[Any] = []
    for element in node.elts:
        item = value(element.value if isinstance(element, ast.Starred) else element, names)
        out.extend(item) if isinstance(element, ast.Starred) and isinstance(item, (list, tuple)) else out.append(item)
    return out


def _set(node: Any, names: Names) -> Any:
    items = _list(node, names)
    return UNKNOWN if any(not isinstance(i, (str, int, float, bool)) for i in items) else set(items)


def _dict(node: Any, names: Names) -> Any:
    out: Names = {}
    for key, item in zip(node.keys, node.values, strict=True):
        if key is None:
            inner = value(item, names)
            out.update(inner if isinstance(inner, dict) else {})
        elif isinstance(name := value(key, names), (str, int, bool)):
            out[name] = value(item, names)  # type: ignore[index]
    return out


def _text(node: Any, names: Names) -> Any:
    parts = [value(v.value if isinstance(v, ast.FormattedValue) else v, names) for v in node.values]
    return UNKNOWN if any(isinstance(p, Unknown) for p in parts) else "".join(map(str, parts))


def _binary(node: Any, names: Names) -> Any:
    left, right = value(node.left, names), value(node.right, names)
    if isinstance(node.op, (ast.Add, ast.BitOr)):
        both = isinstance(left, (int, float)) and isinstance(right, (int, float)) and isinstance(node.op, ast.Add)
        return left + right if both else _joined(left, right)
    if isinstance(left, int) and isinstance(right, int) and isinstance(node.op, (ast.Mult, ast.LShift)):
        small = abs(left) < 1 << 40 and abs(right) < (64 if isinstance(node.op, ast.LShift) else 1 << 40)
        return (left * right if isinstance(node.op, ast.Mult) else left << abs(right)) if small else UNKNOWN
    return UNKNOWN


def _unary(node: Any, names: Names) -> Any:
    inner = value(node.operand, names)
    return -inner if isinstance(node.op, ast.USub) and isinstance(inner, (int, float)) else UNKNOWN


def _call(node: Any, names: Names) -> Any:
    """`dict(a=1)`, `list(X)`, `tuple(X)`, `sorted(X)`, `X.keys()`, `typing.get_args(Alias)` of known values.

    `f()` is what `names` has under that key.
    """
    function = node.func.value if isinstance(node.func, ast.Subscript) else node.func
    called = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if not node.args and not node.keywords and isinstance(function, ast.Name) and called != "dict":
        return names.get(f"{called}()", UNKNOWN)
    if called == "dict" and not node.args:
        return {k.arg: value(k.value, names) for k in node.keywords if k.arg}
    if called == "OrderedDict":
        return _ordered(node, names)
    if called in ("keys", "values") and isinstance(node.func, ast.Attribute):
        inner = value(node.func.value, names)
        return list(getattr(inner, called)()) if isinstance(inner, dict) else UNKNOWN
    if called in ("lower", "upper") and isinstance(node.func, ast.Attribute) and not node.args:
        inner = value(node.func.value, names)
        return getattr(inner, called)() if isinstance(inner, str) else UNKNOWN
    if called in ("list", "tuple", "sorted", "set", "frozenset", "get_args", "SpecifierSet") and len(node.args) == 1:
        inner = value(node.args[0], names)
        if isinstance(inner, (dict, set)):
            inner = list(inner) if isinstance(inner, dict) else sorted(inner, key=repr)  # a set has no order of its own
        return sorted(inner, key=repr) if called == "sorted" and isinstance(inner, list) else inner
    return UNKNOWN


def _comprehension(node: Any, names: Names) -> Any:
    """`[m.name.lower() for m in X]` over a known list of texts: of the members of an Enum, `m.name` is the text."""
    over = value(node.generators[0].iter, names)
    target = node.generators[0].target
    if len(node.generators) > 1 or node.generators[0].ifs or not isinstance(target, ast.Name):
        return UNKNOWN
    if not isinstance(over, (list, dict)) or not all(isinstance(item, str) for item in over):
        return UNKNOWN
    return [value(node.elt, {**names, target.id: item, f"{target.id}.name": item}) for item in over]


def _ordered(node: ast.Call, names: Names) -> Any:
    """`OrderedDict([("a", 1)], **more)` as a dict."""
    out: Names = {}
    pairs = value(node.args[0], names) if node.args else []
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str):
            out[pair[0]] = pair[1]
    for keyword in node.keywords:
        inner = value(keyword.value, names)
        out.update(inner if keyword.arg is None and isinstance(inner, dict) else {})
    return out


def _literal_type(node: Any, names: Names) -> Any:
    """`Literal["a", "b"]` as its values, so that a type alias can be looked up like a constant."""
    named = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
    if named == "Literal":
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return [value(i, names) for i in items]
    owner, key = value(node.value, names), value(node.slice, names)
    return owner.get(key, UNKNOWN) if isinstance(owner, dict) and isinstance(key, (str, int)) else UNKNOWN


_READERS: dict[type, Callable[[Any, Names], Any]] = {
    ast.Constant: lambda node, names: node.value if not isinstance(node.value, (bytes, complex)) else UNKNOWN,
    ast.Name: lambda node, names: names.get(node.id, UNKNOWN),
    ast.List: _list,
    ast.Tuple: _list,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.JoinedStr: _text,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Call: _call,
    ast.ListComp: _comprehension,
    ast.Subscript: _literal_type,
    ast.Attribute: lambda node, names: names.get(ast.unparse(node), UNKNOWN),
}
