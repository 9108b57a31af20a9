"""The verdict on each module as if it were the first import of a new process, from one process that imports them all.

Loading a module twice gives the same, whatever else was loaded before, but for import cycles: where in a cycle the
first import enters decides which of its modules are seen half-filled. So modules on a cycle are loaded again, each
with the whole cycle taken out of `sys.modules`; what their packages load before them stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from doctor.facts import ModuleStatus
from doctor.link.python.imports import check_one, is_cyclic
from doctor.link.python.search import reached
from doctor.link.python.values import ModuleVal

if TYPE_CHECKING:
    from doctor.link.python.machine import Machine

WORK = 40_000  # modules that are loaded again, for all verdicts together: a few seconds


def settle(
    machine: Machine, verdicts: dict[str, ModuleStatus], entries: frozenset[str] = frozenset()
) -> dict[str, ModuleStatus]:
    """The verdicts with cycles entered where each module enters them, and no module better than its packages.

    `entries` are what the launch imports first.
    """
    again = Again(machine, dict(verdicts))
    asked = [n for n, v in verdicts.items() if v.status == "ok" or is_cyclic(v)]
    broken: dict[str, frozenset[str]] = {}
    for name, cycle in _cycles(machine, asked):
        if verdicts[name].status == "ok" and _is_entered_at(name, cycle):
            continue
        if is_cyclic(again.judge(name, cycle)):
            broken.update(dict.fromkeys(cycle, cycle))
    if broken:
        _enter_from_outside(machine, again, [n for n in asked if n not in broken], frozenset(broken))
    return _below(_by_entry(machine, again.verdicts, entries))


def _is_entered_at(name: str, cycle: frozenset[str]) -> bool:
    """Whether every import enters the cycle at this package: the others are below it."""
    return all(member == name or member.startswith(f"{name}.") for member in cycle)


def _by_entry(machine: Machine, verdicts: dict[str, ModuleStatus], entries: frozenset[str]) -> dict[str, ModuleStatus]:
    """What fails only where its cycle is entered at it, and loads where another module enters the cycle.

    Asked alone, such a module fails, so it is never `ok`. But nothing that runs asks for it alone: `fail` would be
    red for a module that every process loads which comes to it as its author does. So it is not known, whoever else
    was asked before, but for what the launch itself imports first. Where no module that loads comes to it, it fails.
    """
    above: dict[str, set[str]] = {}
    out = dict(verdicts)
    for name, status in verdicts.items():
        if name in entries or not is_cyclic(status):
            continue
        half = status.cause.module if status.cause is not None else name  # the module that is seen half-filled
        if half not in above:
            above[half] = _importers(machine.edges, frozenset((half,)))
        loader = min((n for n in above[half] if n != half and _loads(verdicts, n)), default=None)
        if loader is not None:
            text = f"fails when it is imported first (circular import); after `{loader}`, it loads"
            out[name] = ModuleStatus("unknown", status.cause, text)
    return out


def _loads(verdicts: dict[str, ModuleStatus], name: str) -> bool:
    status = verdicts.get(name)
    return status is not None and status.status == "ok"


class Again:
    """Modules loaded again, with the verdicts as they become; the work for all of them is bounded."""

    def __init__(self, machine: Machine, verdicts: dict[str, ModuleStatus]) -> None:
        self.machine, self.verdicts, self.left = machine, verdicts, WORK

    def judge(self, name: str, without: frozenset[str]) -> ModuleStatus:
        """The verdict on `name` where none of the modules `without` is loaded yet."""
        self.left -= len(without)
        if self.left < 0:
            return self.verdicts[name]
        status = _entered(self.machine, name, without)
        if is_cyclic(status) or (status.status == "ok" and self.verdicts[name].status == "fail"):
            self.verdicts[name] = status
        return status


def _enter_from_outside(machine: Machine, again: Again, names: list[str], broken: frozenset[str]) -> None:
    """What imports a cycle fails with it, where it comes to the cycle at a module that fails."""
    above = _importers(machine.edges, broken)
    entry: dict[str, str | None] = {}
    for name in names:
        first = _first(machine.edges, name, broken, above, entry)
        if first is None:
            continue
        status = again.verdicts.get(first)
        if status is not None and is_cyclic(status) == is_cyclic(again.verdicts[name]):
            continue
        again.judge(name, frozenset(reached(machine.edges, [name], above) & above))


def _importers(edges: dict[str, dict[str, None]], goals: frozenset[str]) -> set[str]:
    """The modules that come to one of `goals`, themselves included."""
    back: dict[str, list[str]] = {}
    for name in edges:
        for target in _targets(edges, name):
            back.setdefault(target, []).append(name)
    seen = set(goals)
    stack = list(goals)
    while stack:
        for one in back.get(stack.pop(), ()):
            if one not in seen:
                seen.add(one)
                stack.append(one)
    return seen


def _first(
    edges: dict[str, dict[str, None]], name: str, goals: frozenset[str], above: set[str], known: dict[str, str | None]
) -> str | None:
    """The first of `goals` that the import of `name` comes to, packages before their modules."""
    path: list[str] = []
    while name in above and name not in goals and name not in known:
        path.append(name)
        known[name] = None  # met again on the way: it is being loaded
        parent = name.rpartition(".")[0]
        targets = (*((parent,) if parent else ()), *edges.get(name, ()))
        following = next((t for t in targets if t in above and (t in goals or known.get(t, "") is not None)), None)
        if following is None:
            return None
        name = following
    found = name if name in goals else known.get(name)
    known.update(dict.fromkeys(path, found))
    return found


def _below(verdicts: dict[str, ModuleStatus]) -> dict[str, ModuleStatus]:
    """A module's packages are imported before it: it is never better than they are."""
    out: dict[str, ModuleStatus] = {}
    for name in sorted(verdicts, key=lambda n: n.count(".")):
        own, above = verdicts[name], out.get(name.rpartition(".")[0])
        if above is not None and above.status != "ok" and (own.status == "ok" or is_cyclic(own)):
            own = above if above.status == "unknown" or own.status != "ok" else _in_spite_of(above)
        out[name] = own
    return {name: out[name] for name in verdicts}


def _in_spite_of(package: ModuleStatus) -> ModuleStatus:
    return ModuleStatus("unknown", package.cause, "its package fails, but the module itself can be loaded")


def _cycles(machine: Machine, names: Iterable[str]) -> Iterable[tuple[str, frozenset[str]]]:
    """The modules that import themselves through others, each with its cycle, less what its packages load first."""
    component = _components(machine.edges)
    sizes: dict[int, list[str]] = {}
    for name, number in component.items():
        sizes.setdefault(number, []).append(name)
    before: dict[str, set[str]] = {}
    inner: dict[tuple[str, int], dict[str, int]] = {}
    for name in names:
        members = sizes.get(component.get(name, -1), [])
        parent = name.rpartition(".")[0]
        if len(members) < 2:
            continue
        if parent not in before:
            before[parent] = reached(machine.edges, [parent]) if parent else set()
        if name in before[parent]:
            continue
        key = parent, component[name]
        if key not in inner:
            rest = {m for m in members if m not in before[parent]}
            inner[key] = _components({m: {t: None for t in machine.edges.get(m, ()) if t in rest} for m in rest})
        cycle = frozenset(m for m, number in inner[key].items() if number == inner[key][name])
        if len(cycle) > 1:
            yield name, cycle


def _entered(machine: Machine, name: str, cycle: frozenset[str]) -> ModuleStatus:
    """The verdict where the import of `name` enters the cycle first."""
    kept = dict(machine.modules)
    spaces = {}
    for member in cycle:
        module = machine.modules.pop(member, None)
        parent, _, tail = member.rpartition(".")
        owner = kept.get(parent)
        if isinstance(owner, ModuleVal) and module is not None and owner.namespace.get(tail) is module:
            spaces[member] = owner.namespace, tail, owner.namespace.pop(tail)
    failed = dict(machine.failed)
    status = check_one(machine, name)
    machine.failed = failed
    machine.modules.clear()
    machine.modules.update(kept)
    for space, tail, module in spaces.values():
        space[tail] = module
    return status


def _components(edges: dict[str, dict[str, None]]) -> dict[str, int]:
    """The number of the strongly connected component of every module (Tarjan, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    out: dict[str, int] = {}
    path: list[str] = []
    for root in list(edges):
        if root in number:
            continue
        work = [(root, iter(_targets(edges, root)))]
        number[root] = low[root] = len(number)
        path.append(root)
        while work:
            name, targets = work[-1]
            for target in targets:
                if target not in number:
                    number[target] = low[target] = len(number)
                    path.append(target)
                    work.append((target, iter(_targets(edges, target))))
                    break
                if target not in out:
                    low[name] = min(low[name], number[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    while path:
                        member = path.pop()
                        out[member] = number[name]
                        if member == name:
                            break
    return out


def _targets(edges: dict[str, dict[str, None]], name: str) -> list[str]:
    parent = name.rpartition(".")[0]
    return [*edges.get(name, ()), *((parent,) if parent else ())]
