"""The exits of a plan that is none, each judged as a launch of its own before it is offered.

An option that was right for the model as asked may be wrong for another one (`--quantization fp8` with AWQ weights): it
is set as the rules say, and an exit that leaves an error of the model, of memory or of the command is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from doctor.derived.goal import named_model
from doctor.derived.known_model import with_known_model
from doctor.facts import Facts, Launch, Unavailable
from doctor.findings import Action, Alternative, Finding, Report
from doctor.launch.edit import edited, renamed
from doctor.launch.naming import typed
from doctor.pipeline.command_alone import of_container
from doctor.plan.predict import predicted

NOT_READ = Unavailable("failed", "its files were not read")
FAMILIES = ("CMD", "ENG", "MDL", "MEM", "GPU")
Options = Callable[[Report], tuple[Action, ...]]
Judge = Callable[[Facts], Report]


def checked_exits(
    facts: Facts, found: tuple[Alternative, ...], judge: Judge, options: Options
) -> tuple[Alternative, ...]:
    """Those of the exits that lead to no error; exits which name no other model are taken as they are."""
    return tuple(kept for one in found for kept in _checked(facts, one, judge, options))


def of_findings(report: Report) -> tuple[Alternative, ...]:
    """What errors of memory say of the command alone, such as a shorter context: exits that keep the model."""
    launch = report.facts.launch
    if not isinstance(launch, Launch):
        return ()
    release = report.facts.version(launch.engine)
    errors = (f for f in report.findings if f.severity == "error" and f.rule.startswith("MEM"))
    ways = [w for f in errors for w in f.remediations if w.actions and all(a.kind == "set_argument" for a in w.actions)]
    return tuple(
        Alternative(
            w.title, w.actions, {}, (typed(edited(launch, w.actions, release).argv, launch.engine, launch.given),)
        )
        for w in ways
    )


def _checked(facts: Facts, one: Alternative, judge: Judge, options: Options) -> Iterator[Alternative]:
    model = next((a.name for a in one.actions if a.kind == "use_model"), None)
    launch = facts.launch
    if model is None or not isinstance(launch, Launch) or not one.commands:
        yield one
        return
    now = renamed(launch, {named_model(facts)}, model)
    release = one.pins.get(launch.engine or "") or facts.version(launch.engine)
    actions = [a for a in one.actions if a.kind in ("set_argument", "set_env")]
    now = edited(now, actions, release)
    there = with_known_model(replace(predicted(facts, one.pins), launch=now, model=NOT_READ))
    report = judge(there)
    more = options(report)
    if more:
        now = edited(now, more, release)
        report = judge(replace(there, launch=now))
    if any(map(_stops, report.findings)):
        return
    yield replace(
        one, actions=(*one.actions, *more), commands=(*one.commands[:-1], typed(now.argv, launch.engine, launch.given))
    )


def _stops(finding: Finding) -> bool:
    return finding.severity == "error" and finding.rule.startswith(FAMILIES) and not of_container(finding)
