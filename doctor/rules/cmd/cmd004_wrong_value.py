"""A launch option is missing its value, has a value of the wrong type, or is not allowed here.

`--tp two` is not a number, `--session-len` at the end of the line has no value, a switch such as `--enforce-eager`
takes none, and without a model there is nothing to serve. The parser reports the error and exits before anything is
loaded. A number outside the limits of its setting, and options that do not go together
(`--enable-auto-tool-choice` without `--tool-call-parser`), are rejected right after.

What to do: pass the value that the message names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.base.late import late_pattern
from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.option_findings import (
    argument,
    evidence,
    in_front,
    ours,
    place,
    problems,
    shown,
    shown_value,
    unread,
)
from doctor.derived.units import shortened
from doctor.findings import Finding, Remediation
from doctor.launch.parser import Problem
from doctor.rules.rule import Rule, Verdict

KINDS = (
    "type",
    "range",
    "together",
    "value-missing",
    "value-unwanted",
    "required",
    "exclusive",
    "refused",
    "misplaced",
)
_THOUSANDS = late_pattern(r"(\d{1,6}(?:\.\d{1,3})?)\s*([kKmM])(?:i?[bB])?")



def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each value that is missing, of the wrong kind, or not wanted."""
    found = case.asked
    if not isinstance(found, Asked):
        yield found
        return
    ambiguous = any(p.kind in ("ambiguous", "misplaced") for p in found.reading.problems)
    for problem in problems(found.reading, *KINDS):
        if not (problem.kind == "required" and ambiguous and found.reading.table.option(problem.name) is None):
            yield _finding(rule, found, problem)
    yield from unread(found)


def _finding(rule: Rule, asked: Asked, problem: Problem) -> Finding:
    return rule.finding(
        _message(asked, problem), key=problem.name, location=place(problem),
        evidence=[evidence(asked, problem, problem.wanted or None)], remediations=list(_ways(asked, problem)),
    )  # fmt: skip


def _offered(problem: Problem) -> str:
    """What the release says that it takes; the first few of a list."""
    said, of, names = (problem.wanted or "").partition(" takes one of ")
    return f"choose from {shortened(names)}" if of else shown(said, 160)


def _message(asked: Asked, problem: Problem) -> str:
    name, value = f"`{shown(problem.spelled, 100)}` of {asked.shown}", f"`{shown_value(problem, 100)}`"
    if problem.kind == "together" and problem.value is not None and not problem.path:
        given = f"`{shown(problem.spelled, 100)} {shown_value(problem, 80)}`"
        return f"{asked.shown} does not accept {given}: {_offered(problem)}"
    if problem.kind == "together":
        keys = f" for the keys of `{shown(problem.spelled, 100)}`" if problem.path else ""
        return f"{asked.shown} rejects this combination{keys}: {shown(problem.wanted, 160)}"
    if problem.kind in ("type", "range"):
        own = f"; `{problem.spelled}` of qvl-doctor goes in front of `--`" if ours(problem) else ""
        return f"{name} expects {problem.wanted}, but got {value}{own}"
    if problem.kind == "value-missing":
        return f"{name} expects {problem.wanted}, but none follows it"
    if problem.kind == "value-unwanted":
        return f"{name} is a switch and does not accept a value, but got {value}"
    if problem.kind == "exclusive":
        return f"{name} conflicts with another option: {problem.wanted}"
    if problem.kind == "refused":
        return f"{name} was removed, and this release rejects it"
    if problem.kind == "misplaced" and problem.name != "--model":
        return f"{name} must come after the model, which must be the first word after `vllm serve`"
    if problem.kind == "misplaced":
        return f"{name} is not accepted after `vllm serve`: the model must be the first word after it"
    if asked.reading.table.option(problem.name) is None:
        return f"the command does not name a model: {asked.shown} requires it as a positional argument"
    return f"{asked.shown} cannot start without `{problem.name}`"


def _ways(asked: Asked, problem: Problem) -> Iterator[Remediation]:
    name = problem.name
    option = asked.reading.table.option(name)
    if ours(problem):
        yield in_front(problem)
    if problem.kind == "misplaced" and problem.name != "--model":
        yield Remediation("name the model first", (argument("model_tag", "MODEL"),), "manual")
    elif problem.kind == "misplaced":
        word = next((g.values[-1] for g in asked.reading.given if not g.spelled and g.values), problem.value)
        steps = [argument("--model", None), argument("model_tag", problem.value)]
        steps += [argument("--served-model-name", word)] if word != problem.value else []
        yield Remediation("name the model first", tuple(steps), "safe")
    elif problem.kind == "value-unwanted" and (problem.value or "").lower() in ("true", "1", "yes", "on"):
        yield Remediation(f"use `{name}` alone", (argument(name, ""),), "safe")
    elif problem.kind == "value-unwanted":
        yield Remediation(f"remove `{name}`", (argument(name, None),), "safe" if _off(problem) else "unsafe")
    elif problem.kind in ("refused", "exclusive"):
        yield Remediation(f"remove `{name}`", (argument(name, None),), "unsafe" if problem.wanted else "safe")
    elif problem.kind == "together" and problem.candidates:
        near = problem.candidates[0]
        yield Remediation(f"use `{name} {near}`", (argument(name, near),), "safe")
    elif problem.kind == "range" and (number := _share(problem)) is not None:
        yield Remediation(f"write `{name} {number}`", (argument(name, number),), "unsafe")
    elif problem.kind == "type" and (number := _number(problem)) is not None:
        yield Remediation(f"write `{name} {number}`", (argument(name, number),), "safe")
    elif option is not None and option.default not in (None, "") and problem.kind in ("type", "range", "together"):
        title = f"remove it: {asked.engine} then uses `{shown(str(option.default), 60)}`"
        yield Remediation(title, (argument(name, None),), "unsafe")
    elif problem.kind == "together" and not problem.path:
        yield Remediation(f"remove `{name}`", (argument(name, None),), "unsafe")
    elif problem.kind == "required":
        yield Remediation("name the model", (argument(name, "MODEL"),), "manual")


def _share(problem: Problem) -> str | None:
    """`90` as 0.9 where a share up to 1 is wanted."""
    found = re.fullmatch(r"(\d{1,2}(?:\.\d{1,3})?)%?", (problem.value or "").strip())
    return (
        f"{float(found[1]) / 100:g}" if found and float(found[1]) > 1 and problem.wanted.endswith("at most 1") else None
    )


def _off(problem: Problem) -> bool:
    return (problem.value or "").lower() in ("false", "0", "no", "off")


def _number(problem: Problem) -> str | None:
    """`8k` as 8192, `2.0` as 2, `90%` as 0.9, where it can mean only one thing."""
    value = (problem.value or "").strip()
    if problem.wanted == "an integer":
        if found := _THOUSANDS.fullmatch(value):
            return str(int(float(found[1]) * (1 << (10 if found[2] in "kK" else 20))))
        if re.fullmatch(r"\d{1,12}\.0+|\d{1,3}(?:,\d{3})+", value):
            return value.partition(".")[0].replace(",", "")
    if problem.wanted == "a number" and (found := re.fullmatch(r"(\d{1,2}(?:\.\d{1,3})?)%", value)):
        return f"{float(found[1]) / 100:g}"
    if problem.wanted == "a number" and re.fullmatch(r"\d{1,6},\d{1,6}", value):
        return value.replace(",", ".")
    return None


RULE = Rule(code="CMD004", name="wrong-value", severity="error", check=check, needs=("launch", "distributions"))
