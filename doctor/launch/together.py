"""Options that a release takes one by one and refuses together, as its own check after parsing says."""

from __future__ import annotations

import difflib

from doctor.launch.conditions import UNKNOWN, compared, holds, names, words_of
from doctor.launch.problem import Given, Problem
from doctor.launch.table import Option, Table
from doctor.launch.values import computed, converted


def refused_together(table: Table, given: list[Given]) -> list[Problem]:
    """One problem for each condition that certainly holds, put down to a given option, one whose value counts first.

    Where the condition is about one option, the problem has its value; where it is about a list, the nearest word of
    that as its candidate too.
    """
    out: list[Problem] = []
    if not table.checks:
        return out
    last = {g.name: g for g in given}

    def look_up(name: str) -> object:
        option = table.option(f"--{name.replace('_', '-')}")
        return UNKNOWN if option is None else _value(option, last.get(option.name))

    for condition, said in table.checks.items():
        asked = {o.name: n for n in (*compared(condition), *names(condition))
                 if (o := table.option(f"--{n.replace('_', '-')}"))}  # fmt: skip
        first = next((last[name] for name in asked if name in last), None)
        if first is not None and holds(condition, look_up):
            value, words = next(iter(first.values), ""), words_of(condition, asked[first.name])
            near = tuple(difflib.get_close_matches(value.lower(), words, n=1, cutoff=0.7))
            alone = bool(words) or (len(asked) == 1 and bool(first.values))
            out.append(Problem("together", first.name, first.spelled, value if alone else None, said, first.at, near))
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
