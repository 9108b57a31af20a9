"""The search path as the target's code has changed it: which of its entries the module being loaded would see."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from doctor.link.python.reader import Found
from doctor.link.python.values import Value

if TYPE_CHECKING:
    from doctor.link.python.state import State

_SOMEWHERE = "?"


def entries(state: State) -> Value:
    """The list that `sys.path` is."""
    return state.library.table["sys.path"]


def note_owner(state: State, module: str) -> None:
    """Remembers that the entries which are new on `sys.path` came while `module` was loaded."""
    path = entries(state)
    if not isinstance(path, list) or (len(path) <= len(state.path) and not state.is_tainted(path)):
        return
    for entry in path:
        if not isinstance(entry, str):
            state.path_owners.setdefault(_SOMEWHERE, module)
        elif entry not in state.path:
            state.path_owners.setdefault(entry, module)
    if state.is_tainted(path):
        state.path_owners.setdefault(_SOMEWHERE, module)


def may_hold_more(state: State) -> bool:
    """Whether folders that are not known are on `sys.path` for the module being loaded."""
    path = entries(state)
    unsure = state.is_tainted(path) or any(not isinstance(p, str) for p in path)
    return unsure and _visible(state, _SOMEWHERE)


def find_top(state: State, name: str) -> Found | None:
    """A top-level module: in folders put before the search path, on it, then in folders put behind it."""
    path = entries(state)
    if not isinstance(path, list) or len(path) <= len(state.path):
        return state.reader.find(name, None)
    first = next((i for i, p in enumerate(path) if isinstance(p, str) and p in state.path), len(path))
    before = [p for p in path[:first] if _visible(state, p)]
    found = _borrow(state, name, before)
    if found is not None and found.kind != "namespace":
        return found
    behind = [p for p in path[first:] if isinstance(p, str) and p not in state.path and _visible(state, p)]
    later = state.reader.find(name, None)
    return later or found or _borrow(state, name, behind)


def _borrow(state: State, name: str, folders: list[str]) -> Found | None:
    for folder in folders:
        found = state.reader.find(name, [folder])
        if found is not None:
            state.borrowed[name] = folder
            return found
    return None


def is_out_of_sight(state: State, name: str) -> bool:
    """Whether a loaded module is one that the process which imports the outermost module alone would not have."""
    top = name.partition(".")[0]
    if top not in state.borrowed and top not in state.planted:
        return False
    entry, planter = state.borrowed.get(top), state.planted.get(top)
    if entry is not None and not _visible(state, entry):
        return True
    hidden = planter is not None and bool(state.stack) and not _loads(state, planter)
    return hidden and state.reader.find(top, None) is None


def _visible(state: State, entry: Value) -> bool:
    """Whether the module that added the entry is loaded in the process that imports the outermost module alone."""
    if not isinstance(entry, str):
        return False
    owner = state.path_owners.get(entry)
    return owner is None or not state.stack or _loads(state, owner)


def _loads(state: State, name: str) -> bool:
    """Whether the modules being loaded have `name` in what they have imported so far."""
    return state.edges.comes_to(state.stack, name)


def reached(edges: dict[str, dict[str, None]], start: list[str], within: Container[str] | None = None) -> set[str]:
    """These modules and what they import, themselves or through others; a module imports its packages.

    `within` bounds the walk to modules from which something is reached that the caller looks for.
    """
    seen = set(start)
    stack = list(start)
    while stack:
        name = stack.pop()
        parent = name.rpartition(".")[0]
        for one in (*edges.get(name, ()), *((parent,) if parent else ())):
            if one not in seen and (within is None or one in within):
                seen.add(one)
                stack.append(one)
    return seen
