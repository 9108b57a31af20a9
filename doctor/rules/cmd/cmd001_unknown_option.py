"""The launch command uses an option that this engine release does not have.

Engines add, rename and drop options in almost every release, and each engine has its own names. An option that is right
for one release or engine fails in another with `error: unrecognized arguments`, and the server exits before it loads
anything. Every option is compared with those that the release's own parser defines, including the abbreviations and
underscore spellings that the parser accepts. Where it is not known which release would run, only options that no known
release has are named.

What to do: use the name that this release has, drop the option, or change the release. The corrected command at the end
of the report uses the right name wherever it is certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from doctor.base.secrets.hide import HIDDEN
from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.option_findings import (
    argument,
    evidence,
    in_front,
    ours,
    place,
    problems,
    releases,
    shown,
    shown_value,
    unread,
)
from doctor.facts import Launch
from doctor.findings import Finding, Remediation
from doctor.launch.asked import asked, form_of
from doctor.launch.parser import Problem
from doctor.launch.pasted import suspicious
from doctor.launch.suggest import Suggestion, suggested
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.matrix.releases import ReleaseSet
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each word that the release's parser does not know."""
    found = case.asked
    if not isinstance(found, Asked):
        yield from _in_no_release(rule, case)
        yield found
        return
    for problem in problems(found.reading, "unknown", "ambiguous", "extra"):
        yield _extra(rule, found, problem) if problem.kind == "extra" else _unknown(rule, found, problem)
    yield from unread(found)


def _in_no_release(rule: Rule, case: Case) -> Iterator[Finding]:
    """Options that no release of the engine has, where it is not known which one would run."""
    facts = case.facts
    launch = facts.launch if isinstance(facts.launch, Launch) else None
    if launch is None or launch.engine not in serving_engines() or facts.version(launch.engine) is not None:
        return
    form, known = form_of(launch), rows.releases(launch.engine)
    newest = known.matching("").newest if known is not None else None
    found = asked(launch, newest) if newest and form is not None and not form.own_parser else None
    if found is None or not found.exact or launch.unread:
        return
    for problem in problems(found.reading, "unknown"):
        names = {problem.spelled, problem.spelled.partition(".")[0].replace("_", "-")}
        having = [_having(launch.engine, name) for name in names]
        if all(h is not None and not h.newest for h in having):
            near = suggested(found.reading.table, problem)
            yield rule.finding(
                f"`{shown(problem.spelled, 100)}` is an option of no known release of {launch.engine}"
                + (f": {near.why}" if near else ""),
                key=shown(problem.spelled, 100), location=place(problem), confidence="medium",
                severity="error" if near and near.sure else "warning",  # a release to come may have it
                evidence=[evidence(found, problem, near.option.name if near else None)],
                remediations=_ways(found, problem, near, None),
            )  # fmt: skip


def _unknown(rule: Rule, asked: Asked, problem: Problem) -> Finding:
    name, having = problem.spelled, _having(asked.engine, problem.spelled)
    near = None if ours(problem) else suggested(asked.reading.table, problem)
    if problem.kind == "ambiguous":
        many = ", ".join(f"`{c}`" for c in problem.candidates[:6])
        said = f"`{shown(name, 100)}` is ambiguous in {asked.shown}: it matches {many}"
    else:
        said = f"`{shown(name, 100)}` is not an option of {asked.shown}"
    if ours(problem):
        return rule.finding(
            f"{said}: it is one of qvl-doctor, which goes in front of `--`", key=shown(name, 100),
            location=place(problem), evidence=[evidence(asked, problem, None)], remediations=[in_front(problem)],
        )  # fmt: skip
    clauses = [c for c in (_window(asked.engine, having), near.why if near else _elsewhere(asked.engine, name)) if c]
    message = f"{said}: {'; '.join(clauses)}" if clauses else f"{said}, and no other release of {asked.engine} has it"
    causes = [f"CMD012:{shown(name, 100)}"] if suspicious(name) else []
    return rule.finding(
        message, key=shown(name, 100), location=place(problem), causes=causes,
        evidence=[evidence(asked, problem, near.option.name if near else None)],
        remediations=_ways(asked, problem, near, having),
    )  # fmt: skip


def _having(engine: str, name: str) -> ReleaseSet | None:
    found = rows.releases_having(engine, "flags", name)
    served = rows.releases_having(engine, "flags.serve", name)
    return found | served if found is not None and served is not None else found


def _window(engine: str, having: ReleaseSet | None) -> str:
    return f"{engine} accepts it in releases {having.spec()}" if having is not None and having.newest else ""


def _elsewhere(engine: str, name: str) -> str:
    """Which other engine's option it is."""
    having = {e: rows.releases_having(e, "flags", name) for e in serving_engines() if e != engine}
    owners = [e for e, found in having.items() if found is not None and found.newest]
    return f"it is an option of {' and '.join(owners)}" if owners else ""


def _ways(asked: Asked, problem: Problem, near: Suggestion | None, having: ReleaseSet | None) -> list[Remediation]:
    out = []
    name = problem.spelled
    positional = near is not None and not near.option.spellings and problem.value is None
    if near is not None and positional and asked.reading.value(near.option.name) is not None:
        out.append(Remediation(f"remove `{shown(name, 100)}` before it", (argument(name, None),), "safe"))
        return out
    if near is not None:
        hidden = shown_value(replace(problem, value=near.value or None), 80, near.option.name.lstrip("-"))
        given = f" {hidden}" if near.value else ""
        actions = (argument(name, None), argument(near.option.name, HIDDEN if hidden == HIDDEN else near.value))
        title = (
            f"use `{near.option.name}{given}`"
            if near.option.spellings
            else f"name the model first: `{shown(near.value, 80)}`"
        )
        out.append(Remediation(title, actions, "safe" if near.sure else "unsafe"))
    gone = having is not None and bool(having.newest)
    # an option that a release has dropped or not yet got does nothing there: without it the command means the same
    applicability = "safe" if gone and not (near and near.sure) else "unsafe"
    out.append(Remediation(f"remove `{shown(name, 100)}`", (argument(name, None),), applicability))  # type: ignore[arg-type]
    return out + releases(asked, having)


def _extra(rule: Rule, asked: Asked, problem: Problem) -> Finding:
    """A word that belongs to no option: behind a switch, or a second model."""
    before = next((g for g in asked.reading.given if g.at and g.at[-1] == problem.at[0] - 1), None)
    option = asked.reading.table.option(before.name) if before else None
    word = shown(problem.value, 100)
    if option is not None and option.nargs == 0 and before is not None:
        message = f"`{before.spelled}` is a switch of {asked.shown} and does not accept a value, but got `{word}`"
    else:
        message = f"`{word}` is an extra argument: {asked.shown} does not accept it"
    beside = (word, shown(_before(asked, problem), 100))
    causes = [f"CMD012:{w}" for w in beside if suspicious(w)]
    sure = option is not None and option.nargs == 0 and word.lower() in ("true", "1", "yes", "on")
    step = Remediation(f"remove `{word}`", (argument(problem.value or "", None),), "safe" if sure else "unsafe")
    return rule.finding(message, key=word, location=place(problem), causes=causes,
                        evidence=[evidence(asked, problem, None)], remediations=[step])  # fmt: skip


def _before(asked: Asked, problem: Problem) -> str:
    """The word in front: where that is a dash of a web page, this one is its value."""
    place = problem.at[0] - 1 if problem.at else -1
    return asked.arguments[place] if 0 <= place < len(asked.arguments) else ""


RULE = Rule(code="CMD001", name="unknown-option", severity="error", check=check, needs=("launch", "distributions"))
