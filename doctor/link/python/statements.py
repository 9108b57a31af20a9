"""Runs statements: what an `import` of the module would run, and nothing that only calls would."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from doctor.link.python.assign import as_load, assign, bound_names, delete
from doctor.link.python.creation import define_class
from doctor.link.python.doubt import forget, sizes
from doctor.link.python.expressions import evaluate, truth
from doctor.link.python.frame import Frame
from doctor.link.python.functions import define_function
from doctor.link.python.managers import enter, leave, swallows
from doctor.link.python.values import UNKNOWN, Break, Continue, PyRaise, Return

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

Runner = Callable[["Machine", Any, Frame], None]
LOOP_LIMIT = 20_000
_IMPORT_CATCHERS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException", "AttributeError"}


def run_block(machine: Machine, body: Sequence[ast.stmt], frame: Frame) -> None:
    """Runs statements one after the other. Raises PyRaise where the patient's code would raise."""
    for statement in body:
        machine.burn(statement.lineno)
        runner = _RUNNERS.get(type(statement))
        if runner is not None:
            runner(machine, statement, frame)


def maybe_run(machine: Machine, body: Sequence[ast.stmt], frame: Frame) -> PyRaise | None:
    """Runs statements that may or may not run in truth; what they would raise is returned, not raised."""
    try:
        run_block(machine, body, frame)
    except PyRaise as error:
        return error
    except (Break, Continue):
        return None
    except Return:
        frame.may_have_returned = True
    return None


def _expr(machine: Machine, node: ast.Expr, frame: Frame) -> None:
    if not isinstance(node.value, ast.Constant):
        evaluate(machine, node.value, frame)


def _assign(machine: Machine, node: ast.Assign, frame: Frame) -> None:
    value = evaluate(machine, node.value, frame)
    for target in node.targets:
        assign(machine, target, value, frame)


def _ann_assign(machine: Machine, node: ast.AnnAssign, frame: Frame) -> None:
    if node.value is not None:
        assign(machine, node.target, evaluate(machine, node.value, frame), frame)


def _aug_assign(machine: Machine, node: ast.AugAssign, frame: Frame) -> None:
    current = evaluate(machine, as_load(node.target), frame)
    added = evaluate(machine, node.value, frame)
    if isinstance(current, list) and isinstance(added, (list, tuple)) and isinstance(node.op, ast.Add):
        current.extend(added)
        return
    if isinstance(current, (list, dict, set)):
        machine.taint(current)
        return
    both = ast.BinOp(left=ast.Constant(value=current), op=node.op, right=ast.Constant(value=added))
    assign(machine, node.target, evaluate(machine, ast.copy_location(both, node), frame), frame)


def _delete(machine: Machine, node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        delete(machine, target, frame)


def _import(machine: Machine, node: ast.Import, frame: Frame) -> None:
    for alias in node.names:
        top = machine.import_module(alias.name, frame.module, node.lineno)
        if alias.asname:
            frame.bind(alias.asname, machine.modules.get(alias.name, UNKNOWN))
        else:
            frame.bind(alias.name.partition(".")[0], top)


def _import_from(machine: Machine, node: ast.ImportFrom, frame: Frame) -> None:
    origin = machine.resolve(node.module or "", node.level, frame.module, node.lineno)
    module = machine.import_origin(origin, frame.module, node.lineno)
    for alias in node.names:
        if alias.name == "*":
            machine.import_star(module, frame.module, frame.names, node.lineno)
        else:
            frame.bind(alias.asname or alias.name, machine.import_name(module, alias.name, frame.module, node.lineno))


def _if(machine: Machine, node: ast.If, frame: Frame) -> None:
    known = truth(machine, evaluate(machine, node.test, frame))
    if known is not None:
        run_block(machine, node.body if known else node.orelse, frame)
        return
    before = sizes(frame)
    ends = [_maybe_end(machine, branch, frame) for branch in (node.body, node.orelse) if branch]
    forget(frame, before)
    raised = [e for e in ends if isinstance(e, PyRaise)]
    if len(raised) == 2:
        raise raised[0] if raised[1].is_a(ImportError) is True else raised[1]
    for error in raised:
        machine.doubt(frame.module, node.lineno, error)
    if len(ends) == 2 and None not in ends:
        raise Return(UNKNOWN)


def _maybe_end(machine: Machine, branch: Sequence[ast.stmt], frame: Frame) -> PyRaise | bool | None:
    """How a branch that may run would end: with an error, with a `return` (True), or so that the rest follows."""
    before, frame.may_have_returned = frame.may_have_returned, False
    error = maybe_run(machine, branch, frame)
    returned = frame.may_have_returned
    frame.may_have_returned = before or returned
    return error or (isinstance(branch[-1], ast.Return) and returned) or None


def _for(machine: Machine, node: ast.For | ast.AsyncFor, frame: Frame) -> None:
    items = machine.items(evaluate(machine, node.iter, frame))
    if items is None or len(items) > LOOP_LIMIT:
        assign(machine, node.target, UNKNOWN, frame)
        _maybe_body(machine, node, frame)
        return
    for item in items:
        assign(machine, node.target, item, frame)
        try:
            run_block(machine, node.body, frame)
        except Continue:
            continue
        except Break:
            return
    run_block(machine, node.orelse, frame)


def _while(machine: Machine, node: ast.While, frame: Frame) -> None:
    for _ in range(LOOP_LIMIT):
        known = truth(machine, evaluate(machine, node.test, frame))
        if known is None:
            _maybe_body(machine, node, frame)
            return
        if not known:
            run_block(machine, node.orelse, frame)
            return
        try:
            run_block(machine, node.body, frame)
        except Continue:
            continue
        except Break:
            return


def _maybe_body(machine: Machine, node: ast.For | ast.AsyncFor | ast.While, frame: Frame) -> None:
    error = maybe_run(machine, node.body, frame)
    if error is not None:
        machine.doubt(frame.module, node.lineno, error)


def _try(machine: Machine, node: Any, frame: Frame) -> None:
    guard = any(_may_catch(h) for h in node.handlers)
    machine.guards += guard
    try:
        try:
            run_block(machine, node.body, frame)
        except PyRaise as error:
            machine.guards -= guard
            guard = False
            _handle(machine, node.handlers, error, frame)
        else:
            machine.guards -= guard
            guard = False
            if not all(isinstance(s, (ast.Import, ast.ImportFrom)) for s in node.body):
                frame.module.maybe.update(n for h in node.handlers for n in bound_names(h.body))
            run_block(machine, node.orelse, frame)
    finally:
        machine.guards -= guard
        run_block(machine, node.finalbody, frame)


def _may_catch(handler: ast.ExceptHandler) -> bool:
    """Whether the handler is there for imports that fail."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {k.attr if isinstance(k, ast.Attribute) else getattr(k, "id", "") for k in kinds if k is not None}
    return handler.type is None or bool(names & _IMPORT_CATCHERS)


def _handle(machine: Machine, handlers: Iterable[ast.ExceptHandler], error: PyRaise, frame: Frame) -> None:
    for handler in handlers:
        kind = BaseException if handler.type is None else evaluate(machine, handler.type, frame)
        caught = error.is_a(kind)
        if caught is False:
            continue
        error.__traceback__ = error.__context__ = None  # they hold the frames, and those the trees, of all importers
        inner = frame.with_handling(error)
        if handler.name:
            frame.bind(handler.name, error)
        if caught is None and error.cause is not None:
            machine.doubt(frame.module, handler.lineno, error)
        try:
            run_block(machine, handler.body, inner)
        finally:
            frame.may_have_returned = frame.may_have_returned or inner.may_have_returned
        return
    raise error


def _raise(machine: Machine, node: ast.Raise, frame: Frame) -> None:
    if node.exc is None:
        raise frame.handling or PyRaise(UNKNOWN)
    value = evaluate(machine, node.exc, frame)
    error = value if isinstance(value, PyRaise) else PyRaise(machine.exception_kind(value))
    if error.cause is None and frame.handling is not None:
        error.cause = frame.handling.cause
    if error.cause is None:
        error.cause = machine.raised_here(error, frame.module, node.lineno)
    raise error


def _with(machine: Machine, node: ast.With | ast.AsyncWith, frame: Frame) -> None:
    managers = []
    for item in node.items:
        manager = evaluate(machine, item.context_expr, frame)
        managers.append(manager)
        entered = enter(machine, manager, frame)
        if item.optional_vars is not None:
            assign(machine, item.optional_vars, entered, frame)
    try:
        run_block(machine, node.body, frame)
    except PyRaise as error:
        for manager in reversed(managers):
            if swallows(machine, manager, error, frame):
                return
        raise
    for manager in reversed(managers):
        leave(machine, manager, frame)


def _function(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
    frame.bind(node.name, define_function(machine, node, frame))


def _class(machine: Machine, node: ast.ClassDef, frame: Frame) -> None:
    frame.bind(node.name, define_class(machine, node, frame))


def _return(machine: Machine, node: ast.Return, frame: Frame) -> None:
    raise Return(None if node.value is None else evaluate(machine, node.value, frame))


def _break(machine: Machine, node: ast.Break, frame: Frame) -> None:
    raise Break


def _continue(machine: Machine, node: ast.Continue, frame: Frame) -> None:
    raise Continue


def _global(machine: Machine, node: ast.Global, frame: Frame) -> None:
    frame.declared.update(node.names)


def _assert(machine: Machine, node: ast.Assert, frame: Frame) -> None:
    if truth(machine, evaluate(machine, node.test, frame)) is False:
        raise PyRaise(AssertionError, None, machine.raised_here(PyRaise(AssertionError), frame.module, node.lineno))


def _match(machine: Machine, node: Any, frame: Frame) -> None:
    evaluate(machine, node.subject, frame)
    for case in node.cases:
        error = maybe_run(machine, case.body, frame)
        if error is not None:
            machine.doubt(frame.module, node.lineno, error)


def _type_alias(machine: Machine, node: Any, frame: Frame) -> None:
    frame.bind(node.name.id, UNKNOWN)


_RUNNERS: dict[type, Runner] = {
    ast.Expr: _expr, ast.Assign: _assign, ast.AnnAssign: _ann_assign, ast.AugAssign: _aug_assign, ast.Delete: _delete,
    ast.Import: _import, ast.ImportFrom: _import_from, ast.If: _if, ast.For: _for, ast.AsyncFor: _for,
    ast.While: _while, ast.Try: _try, ast.Raise: _raise, ast.With: _with, ast.AsyncWith: _with,
    ast.FunctionDef: _function, ast.AsyncFunctionDef: _function, ast.ClassDef: _class, ast.Return: _return,
    ast.Break: _break, ast.Continue: _continue, ast.Global: _global, ast.Assert: _assert, ast.Match: _match,
}  # fmt: skip
for _name, _runner in (("TryStar", _try), ("TypeAlias", _type_alias)):
    if hasattr(ast, _name):  # Python 3.11 and 3.12 brought them
        _RUNNERS[getattr(ast, _name)] = _runner
