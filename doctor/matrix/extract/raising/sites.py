"""The places where a source file refuses: line, exception, message template, condition and function of each."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.matrix.extract.raising.conditions import chained, condition, negated, written
from doctor.matrix.extract.raising.messages import HOLE, LARGEST, Template, literal_length, percent, template

_LOGGED = ("error", "critical", "exception", "fatal")
_LOGGERS = ("logger", "logging", "log", "LOG", "_logger", "LOGGER", "_log")
_MESSAGE = ("message", "msg", "detail", "reason", "error_message")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
LOG = "log"  # what a site of a logger has in the place of an exception
MOST = 4000  # sites of one file
DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Site:
    """One place. `raised` is the exception's name or `log`; `last` the last line of the statement."""

    line: int
    last: int
    raised: str
    message: Template
    condition: str
    function: str


def sites_of(tree: ast.Module) -> list[Site]:
    """Every site of a module with literal text in its message, by line."""
    reader = _Reader(_constants(tree.body))
    reader.block(tree, [], "")
    return sorted(reader.found, key=lambda s: s.line)[:MOST]


class _Reader:
    def __init__(self, constants: dict[str, ast.expr]) -> None:
        self.found: list[Site] = []
        self._names = [constants]

    def block(self, node: ast.AST, above: list[tuple[ast.AST, str]], function: str) -> None:
        """Reads the statements of `node`, those of each of its fields in order."""
        if len(above) > DEEPEST:
            return
        for field, value in ast.iter_fields(node):
            for statement in value if isinstance(value, list) else ():
                if isinstance(statement, (ast.stmt, ast.excepthandler, ast.match_case)):
                    self._statement(statement, [*above, (node, field)], function)

    def _statement(self, node: ast.AST, above: list[tuple[ast.AST, str]], function: str) -> None:
        names = self._names[-1]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._names.append(dict(names))
            self.block(node, above, f"{function}.{node.name}" if function else node.name)
            self._names.pop()
            return
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = _grown(node.targets[0].id, node.value, names)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id in names:
            names[node.target.id] = ast.BinOp(names[node.target.id], node.op, node.value)
        elif isinstance(node, (ast.Raise, ast.Assert, ast.Expr)):
            self._site(node, above, function)
        self.block(node, above, function)

    def _site(self, node: ast.Raise | ast.Assert | ast.Expr, above: list[tuple[ast.AST, str]], function: str) -> None:
        for raised, message in self._said(node):
            if 0 < literal_length(message) <= LARGEST and message != HOLE:
                test = written([negated(node.test)]) if isinstance(node, ast.Assert) else _condition(node, above)
                self.found.append(Site(node.lineno, node.end_lineno or node.lineno, raised, message, test, function))

    def _said(self, node: ast.Raise | ast.Assert | ast.Expr) -> Iterator[tuple[str, Template]]:
        names = self._names[-1]
        if isinstance(node, ast.Assert):
            yield "AssertionError", template(node.msg, names)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield _name(node.exc.func), template(_argument(node.exc, names), names)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            given = names.get(node.exc.id)
            if isinstance(given, ast.Call):
                yield _name(given.func), template(_argument(given, names), names)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _logs(node.value) and node.value.args:
            first, *values = node.value.args
            yield LOG, percent(first, names) if values else template(first, names)


def _grown(name: str, value: ast.expr, names: dict[str, ast.expr]) -> ast.expr:
    """`value`, where it is `name + ...` with what the name was given before."""
    if isinstance(value, ast.BinOp) and isinstance(value.left, ast.Name) and value.left.id == name and name in names:
        return ast.BinOp(names[name], value.op, value.right)
    return value


def _condition(node: ast.stmt, above: list[tuple[ast.AST, str]]) -> str:
    tests = chained(above)
    if len(tests) > 1:
        return written([negated(t) for t in tests])
    return condition(node, above)


def _argument(call: ast.Call, names: dict[str, ast.expr]) -> ast.expr | None:
    """The argument that holds the message: by its name, else the first with literal text."""
    named = {k.arg: k.value for k in call.keywords}
    found = next((named[n] for n in _MESSAGE if n in named), None)
    if found is not None:
        return found
    return next((a for a in call.args if literal_length(template(a, names)) > 3), call.args[0] if call.args else None)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _logs(call: ast.Call) -> bool:
    function = call.func
    return isinstance(function, ast.Attribute) and function.attr in _LOGGED and _name(function.value) in _LOGGERS


def _constants(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """What the names of a module are given once at its own level."""
    return {
        target.id: node.value
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value, (ast.Constant, ast.JoinedStr, ast.BinOp))
    }
