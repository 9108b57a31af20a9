"""A module's own `__getattr__`, asked for the same name by hundreds of modules: what it gives, without asking again.

Only where it gives nothing that is known: what it finds, such functions keep themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.link.python.values import UNKNOWN, FuncVal, ModuleVal, PyRaise, Value

if TYPE_CHECKING:
    from doctor.link.python.names import Names

Served = dict[tuple[int, str], dict[str, bool]]  # by getter and name, the modules that it asks for: whether they load


def served(names: Names, module: ModuleVal, getter: FuncVal, name: str) -> Value:
    """What `module.name` is by its `__getattr__`. Raises PyRaise."""
    key = id(getter), name
    if key in names.served and _ask_for(names, names.served[key]):
        return UNKNOWN
    heard: list[tuple[str, str]] = []
    before, names.edges.heard = names.edges.heard, heard
    try:
        value = names.call(getter, [name], {})
    finally:
        names.edges.heard = before
        if before is not None:
            before.extend(heard)
    if value is UNKNOWN and not module.loading and names.stack:
        here = names.stack[-1]
        names.served[key] = {target: target in names.modules for importer, target in heard if importer == here}
    return value


def _ask_for(names: Names, targets: dict[str, bool]) -> bool:
    """Asks for the modules again, as the call would; False where the call has to say what comes of that."""
    if any((target in names.modules) is not there for target, there in targets.items()):
        return False
    for target, there in targets.items():
        try:
            names.load(target, None, 0)
        except PyRaise:
            if there:
                return False
    return True
