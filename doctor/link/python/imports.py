"""The import link check: would `import` of these modules succeed here, and if not, on what does it fail?"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

from doctor.base.secrets.hide import redact_text
from doctor.base.stack import with_stack
from doctor.facts import Cause, ModuleStatus
from doctor.link.python.machine import Machine
from doctor.link.python.values import ModuleVal, PyRaise

T = TypeVar("T")
STACK_BYTES = 256 * 1024 * 1024
RECURSION = 60_000
# syntax trees make millions of objects that hold no cycles; looking for cycles takes seconds and frees nothing
COLLECT = (20_000_000, 50, 50)
_JUDGED = (ImportError, AttributeError, SyntaxError)


def check_one(machine: Machine, name: str) -> ModuleStatus:
    """The verdict on one module; as a new process would, it meets the failures of its parent packages again."""
    parents = [name[:at] for at, character in enumerate(name) if character == "."]
    failed = next((p for p in parents if p in machine.failed), None)
    if failed is not None:
        return _below_failed(machine, name, machine.failed[failed])
    try:
        machine.import_origin(name, None)
    except PyRaise as error:
        return _judge(error)
    module = machine.modules.get(name)
    doubts = module.doubts if isinstance(module, ModuleVal) else []
    return ModuleStatus("unknown", None, doubts[0]) if doubts else ModuleStatus("ok")


def _below_failed(machine: Machine, name: str, failure: PyRaise) -> ModuleStatus:
    """A module whose package fails: it fails too, but where the failing import has left it loaded, a second one works.

    Where the folder around it was left loaded, the second import says on what the module itself would fail.
    """
    package = _judge(failure)
    if package.status != "fail":
        return package
    try:
        machine.import_origin(name, None)
    except PyRaise as error:
        own = _judge(error)
        return own if own.status == "fail" and not is_cyclic(own) else package
    return ModuleStatus("unknown", package.cause, "its package fails, but the module itself can be loaded")


def is_cyclic(status: ModuleStatus) -> bool:
    """Whether a module fails because it is seen half-filled."""
    return status.status == "fail" and status.cause is not None and "partially initialized" in (status.cause.text or "")


def _judge(error: PyRaise) -> ModuleStatus:
    """A failed import; other exceptions than those that say that something is missing stay unknown."""
    text = f"{error.name}: {redact_text(error.message)}" if error.message else error.name
    if error.cause is None or not any(error.is_a(kind) is True for kind in _JUDGED):
        missing = error.cause is not None and error.cause.kind.startswith("missing")
        if not missing:
            return ModuleStatus("unknown", error.cause, f"may raise {text}")
    return ModuleStatus("fail", error.cause or Cause("error", "?", error=error.name, text=text))


def with_deep_stack(action: Callable[[], T]) -> T:
    """Runs `action` where import chains a hundred modules deep do not exhaust the interpreter's own stack."""

    def run() -> T:
        thresholds = gc.get_threshold()
        gc.set_threshold(*COLLECT)
        try:
            return action()
        finally:
            gc.set_threshold(*thresholds)

    return with_stack(run, STACK_BYTES, RECURSION)
