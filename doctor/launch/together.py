"""Options that a release takes one by one and refuses together, as its own check after parsing says."""

from __future__ import annotations

from doctor.launch.conditions import UNKNOWN, holds, names
from doctor.launch.problem import Given, Problem
from doctor.launch.table import Option, Table
from doctor.launch.values import computed, converted


def refused_together(table: Table, given: list[Given]) -> list[Problem]:
    """One problem for each condition that certainly holds, put down to the first of its options that was given."""
    out: list[Problem] = []
    if not table.checks:
        return out
    last = {g.name: g for g in given}

    def look_up(name: str) -> object:
        option = table.option(f"--{name.replace('_', '-')}")
        return UNKNOWN if option is None else _value(option, last.get(option.name))

    for condition, said in table.checks.items():
        asked = [o.name for n in names(condition) if (o := table.option(f"--{n.replace('_', '-')}"))]
        first = next((last[name] for name in asked if name in last), None)
        if first is not None and holds(condition, look_up):
            out.append(Problem("together", first.name, first.spelled, None, said, first.at))
    return out


def _value(option: Option, given: Given | None) -> object:
    """The value after parsing; UNKNOWN where the data or the command does not say."""
    if given is None:
        return option.default if option.defaulted else UNKNOWN
    if option.nargs == 0:
        return _switched(option, given.spelled)
    if option.type == "any" or any(computed(v) for v in given.values) or not given.values:
        return UNKNOWN
    if option.nargs is not None:
        return list(given.values)
    word = given.values[-1]
    if option.optional and word in ("", "None"):
        return None
    try:
        return converted(option.type, word)
    except (ValueError, RecursionError):
        return UNKNOWN


def _switched(option: Option, spelled: str) -> object:
    """Whether a switch is on, by its name or the beginning of one."""
    if spelled in option.spellings:
        return spelled not in option.negative
    meant = {s not in option.negative for s in option.spellings if s.startswith(spelled)}
    return next(iter(meant)) if len(meant) == 1 else UNKNOWN
