"""A launch option has a value that this engine release does not offer.

Some options take one value from a short list, and the list changes between releases: vLLM's `--mm-encoder-tp-mode`
takes `weights` or `data`, and the formats of LMDeploy's `--model-format` were added one by one. The parser exits with
`invalid choice` before anything is loaded.

What to do: use one of the listed values, or a release that offers the value you need.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.option_findings import argument, evidence, place, problems, releases, shown_value, unread
from doctor.derived.units import shortened
from doctor.findings import Finding, Remediation
from doctor.launch.parser import Problem
from doctor.launch.values import OR_A_FILE
from doctor.matrix import rows
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each value that is not offered."""
    found = case.asked
    if not isinstance(found, Asked):
        yield found
        return
    for problem in problems(found.reading, "choice"):
        yield _finding(rule, found, problem)
    yield from unread(found)


def _finding(rule: Rule, asked: Asked, problem: Problem) -> Finding:
    having = _offering(asked.engine, problem.name, problem.value or "")
    later = f"; releases {having.spec()} accept it" if having is not None and having.newest else ""
    given = shown_value(problem, 80)
    choices, end, _ = (problem.wanted or "").partition(OR_A_FILE)
    message = f"{asked.shown} does not accept `{problem.spelled} {given}`: {shortened(choices)}{end}{later}"
    return rule.finding(
        message, key=problem.name, location=place(problem), evidence=[evidence(asked, problem, problem.wanted)],
        remediations=[*_ways(asked, problem), *releases(asked, having)],
    )  # fmt: skip


def _ways(asked: Asked, problem: Problem) -> list[Remediation]:
    option = asked.reading.table.option(problem.name)
    choices = [str(c) for c in (option.choices or option.words or option.named if option else ()) if c is not None]
    value = (problem.value or "").strip()
    same = next((c for c in choices if c.lower() == value.lower()), None)
    if same is not None:
        return [Remediation(f"use `{problem.name} {same}`", (argument(problem.name, same),), "safe")]
    near = difflib.get_close_matches(value.lower(), choices, n=1, cutoff=0.8)
    out = [Remediation(f"use `{problem.name} {near[0]}`", (argument(problem.name, near[0]),), "safe")] if near else []
    default = option.default if option else None
    if default is not None and str(default) in choices:
        step = argument(problem.name, str(default))
        title = f"use `{problem.name} {default}`, the default of this release"
        out.append(Remediation(title, (step,), "unsafe" if near else "safe"))
    elif not near:
        out.append(Remediation(f"remove `{problem.name}`", (argument(problem.name, None),), "unsafe"))
    return out


def _offering(engine: str, name: str, value: str) -> ReleaseSet | None:
    """The releases in which the option has this choice."""
    out: ReleaseSet | None = None
    for having, flag in rows.history(engine, "flags", name):
        if value in [str(c) for c in flag.get("choices") or flag.get("named") or ()]:
            out = having if out is None else out | having
    return out


RULE = Rule(code="CMD002", name="invalid-choice", severity="error", check=check, needs=("launch", "distributions"))
