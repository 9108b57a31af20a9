"""Functions: defining them, calling them, and context managers made of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from doctor.link.python.expressions import attempt, evaluate
from doctor.link.python.frame import Frame
from doctor.link.python.values import UNKNOWN, FuncVal, PyRaise, Return, Value

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

DEPTH_LIMIT = 40
_NOTHING: list[ast.expr] = []
_NO_ARGUMENTS = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
_LEFT_OUT: list[ast.stmt] = [ast.Expr(value=ast.Constant(value=...))]


class Managed:
    """The call of a `@contextmanager` function: its body runs when we know how the `with` block ended."""

    def __init__(self, func: FuncVal, args: list[Value], kwargs: dict[str, Value]) -> None:
        self.func, self.args, self.kwargs = func, args, kwargs


def define_function(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> Value:
    """What `def` binds. Decorators that we do not know are taken to keep the function as it is."""
    from doctor.link.python.decorators import decorated

    func = FuncVal(node.name, node, frame.module, frame.closure())
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    for arg, default in zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True):
        func.defaults[arg.arg] = evaluate(machine, default, frame)
    for arg, kw_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if kw_default is not None:
            func.defaults[arg.arg] = evaluate(machine, kw_default, frame)
    decorators = node.decorator_list
    given = [evaluate(machine, decorator, frame) for decorator in decorators]
    if not machine.depth:  # the body of a called function may be run again
        _slim(node)
    return decorated(machine, func, decorators, given, frame) if given else func


def _slim(node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Drops what calls do not need: there are tens of thousands of functions, and their trees stay."""
    node.decorator_list, node.returns = _NOTHING, None
    arguments = node.args
    if _is_name_alone(node):
        node.args, node.body = _NO_ARGUMENTS, _LEFT_OUT
        return
    for arg in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        arg.annotation = None
    arguments.defaults, arguments.kw_defaults = [], [None] * len(arguments.kwonlyargs)


def _is_name_alone(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the header and the body are read when the function is called."""
    first, arguments = node.body[0], node.args
    if len(node.body) > 1 or not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        return False
    listed = arguments.posonlyargs or arguments.args or arguments.kwonlyargs or arguments.vararg or arguments.kwarg
    return first.value.value is Ellipsis and not listed


def call_function(machine: Machine, func: FuncVal, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """What the call returns. Raises PyRaise; a function that we cannot follow returns UNKNOWN."""
    if func.manages_context:
        return Managed(func, args, kwargs)
    if isinstance(func.node, ast.AsyncFunctionDef):
        return UNKNOWN
    if machine.depth >= DEPTH_LIMIT or (func.module.is_stdlib and not func.module.loading):
        return machine.not_followed(args, kwargs)
    if isinstance(func.node, ast.Lambda):
        frame = _frame(machine, func, args, kwargs)
        return evaluate(machine, func.node.body, frame)
    body = machine.function_body(func)
    if body is None:
        return machine.not_followed(args, kwargs)
    return _run(machine, body, _frame(machine, func, args, kwargs))


def _run(machine: Machine, body: list[ast.stmt], frame: Frame) -> Value:
    from doctor.link.python.statements import run_block

    machine.depth += 1
    try:
        run_block(machine, body, frame)
    except Return as done:
        return UNKNOWN if frame.may_have_returned else done.value
    except PyRaise as error:
        if not frame.may_have_returned or frame.on_yield is not None:
            raise
        machine.doubt(frame.module, machine.line, error)
        return UNKNOWN
    finally:
        machine.depth -= 1
    return UNKNOWN if frame.may_have_returned else None


def managed(machine: Machine, manager: Value, error: PyRaise) -> bool:
    """Whether a `@contextmanager` function ends `error`: its body is run with the error raised at the `yield`."""
    if not isinstance(manager, Managed):
        return False
    func = manager.func
    body = machine.function_body(func)
    if body is None:
        return False
    frame = _frame(machine, func, manager.args, manager.kwargs)

    def fail() -> None:
        raise error

    frame.on_yield = fail
    try:
        _run(machine, body, frame)
    except PyRaise as raised:
        if raised is error:
            return False
        raise
    return True


def _frame(machine: Machine, func: FuncVal, args: list[Value], kwargs: dict[str, Value]) -> Frame:
    spec = func.node.args
    names: dict[str, Value] = {}
    positional = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    for name, value in zip(positional, args, strict=False):
        names[name] = value
    if spec.vararg:
        names[spec.vararg.arg] = tuple(args[len(positional) :])
    known = {*positional, *(a.arg for a in spec.kwonlyargs)}
    names.update({k: v for k, v in kwargs.items() if k in known})
    if spec.kwarg:
        names[spec.kwarg.arg] = {k: v for k, v in kwargs.items() if k not in known}
    left = known - names.keys()
    if left:
        given = func.defaults or _defaults(machine, func)
        names.update({name: given.get(name, UNKNOWN) for name in left})
    return Frame(func.module, names, func.scopes, func=func, first=args[0] if args else None)


def _defaults(machine: Machine, func: FuncVal) -> dict[str, Value]:
    """The defaults of a lambda, and the constants of a function whose header was read for this call."""
    spec = func.node.args
    frame = Frame(func.module, {}, func.scopes)
    positional = [*spec.posonlyargs, *spec.args]
    pairs = [*zip(positional[len(positional) - len(spec.defaults) :], spec.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d is not None]
    return {a.arg: attempt(machine, d, frame) for a, d in pairs}


def is_generator(body: list[ast.stmt]) -> bool:
    """Whether the body holds a `yield` of its own."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(node))
    return False
