"""Leaves out of a function's body what it computes for docstrings alone: nothing else can be seen of that.

Libraries build the documentation of their classes as they are imported, out of tables of hundreds of names. A
statement is left out where its values reach no other statement that counts, and evaluating it does nothing else.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from typing import Any

from doctor.link.python.quiet import Quiet

Body = Callable[[str], Any]  # the statements of the function of this name, or None


def without_documentation(body: list[ast.stmt], body_of: Body) -> list[ast.stmt]:
    """The statements that count; `body` itself where it writes no docstring. `body_of` gives functions it calls."""
    if not any(_writes_documentation(node) for statement in body for node in ast.walk(statement)):
        return body
    return Pruner(body, Quiet(body, body_of)).pruned(body, set())[0]


def _writes_documentation(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "__doc__" and isinstance(node.ctx, ast.Store)


class Pruner:
    """Goes through statements backward, with the names whose values are still asked for."""

    def __init__(self, body: Sequence[ast.stmt], quiet: Quiet) -> None:
        self.quiet = quiet
        inner = (n for s in body for n in ast.walk(s) if isinstance(n, (ast.FunctionDef, ast.Lambda, ast.ClassDef)))
        self.always = {name for node in inner for name in _loaded(node)}

    def pruned(self, body: Sequence[ast.stmt], after: set[str]) -> tuple[list[ast.stmt], set[str]]:
        """The statements that count where the names `after` are asked for behind them; what is asked for before."""
        kept: list[ast.stmt] = []
        live = after | self.always
        for statement in reversed(body):
            if self._is_idle(statement, live):
                continue
            statement, live = self._step(statement, live)
            kept.append(statement)
        return kept[::-1], live

    def _is_idle(self, statement: ast.stmt, live: set[str]) -> bool:
        """Whether a statement only sets docstrings and names that nobody asks for."""
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return False
        names = self.quiet.names_set_by(statement)
        return names is not None and not names & live

    def _step(self, statement: ast.stmt, live: set[str]) -> tuple[ast.stmt, set[str]]:
        if isinstance(statement, ast.If):
            body, first = self.pruned(statement.body, live)
            orelse, second = self.pruned(statement.orelse, live)
            statement = copy.copy(statement)
            statement.body, statement.orelse = body or [ast.copy_location(ast.Pass(), statement)], orelse
            return statement, first | second | _loaded(statement.test)
        if isinstance(statement, ast.Return):
            return statement, self.always | _loaded(statement)
        if isinstance(statement, ast.Assign) and all(isinstance(t, ast.Name) for t in statement.targets):
            live = live - {t.id for t in statement.targets if isinstance(t, ast.Name)}
        return statement, live | self.always | _loaded(statement)


def _loaded(node: ast.AST) -> set[str]:
    """The names whose values this needs; one that is only added to is needed too."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)}
    added = {n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)}
    return names | added
