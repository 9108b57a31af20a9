"""Plans that change no release: nothing to do, or errors of the command and of its container alone."""

from __future__ import annotations

from dataclasses import replace

from doctor.facts import Facts, Launch
from doctor.findings import Action, Finding, Plan, Report, Step, Verified
from doctor.findings.proposal import IDLE, Proposal
from doctor.launch.edit import as_given, edited
from doctor.pipeline.diagnosis import judge
from doctor.plan.choices import present_of
from doctor.plan.intent import lost_intent
from doctor.plan.start import wrong_module

UNCHANGED = "no release changes, so there was nothing to resolve"


def idle(facts: Facts) -> Plan:
    """Nothing to do: what is there, as it is."""
    pins = {d.key: d.version for d in present_of(facts).installed}
    launch = facts.launch.argv if isinstance(facts.launch, Launch) else ()
    return Plan(pins=dict(sorted(pins.items())), launch=launch, verified=Verified(True, None, IDLE))


def command_alone(before: Report, errors: tuple[Finding, ...], options: tuple[Action, ...]) -> Proposal | None:
    """The plan for errors that options of the command mend, and settings of its container, which no plan changes.

    None where another error is among them, or where the changed command has one.
    """
    facts, launch = before.facts, before.facts.launch
    if not isinstance(launch, Launch) or not errors or wrong_module(facts, before.findings) is not None:
        return None
    release = facts.version(launch.engine)
    now = edited(launch, options, release) if options else launch
    if lost_intent(launch, now, options, release) is not None:
        return None
    if not all(_mended_by(f, options) or of_container(f) for f in errors):
        return None
    after = judge(replace(facts, launch=now))
    left = [f for f in after.findings if f.severity == "error"]
    if not all(map(of_container, left)):
        return None
    gone = [f for f in errors if not of_container(f)]
    plan = replace(
        idle(facts), steps=tuple(_step(one, gone) for one in options), launch=now.argv, command=as_given(launch, now),
        resolves=tuple(dict.fromkeys(f.rule for f in gone)), remains=tuple(dict.fromkeys(f.rule for f in left)),
        verified=Verified(True, None, UNCHANGED),
    )  # fmt: skip
    return Proposal(before, plan, after)


def _step(action: Action, gone: list[Finding]) -> Step:
    mine = [f for f in gone if any(action in way.actions for way in f.remediations)]
    keys = tuple(dict.fromkeys(f"{f.rule}:{f.key}" if f.key else f.rule for f in mine))
    return Step(action, mine[0].message if mine else "the changed command needs it", keys)


def _mended_by(finding: Finding, options: tuple[Action, ...]) -> bool:
    return finding.rule.startswith("CMD") and any(a in options for way in finding.remediations for a in way.actions)


def of_container(finding: Finding) -> bool:
    """Whether it is about the container or what stands in front: no release and no option mends it."""
    actions = [a for way in finding.remediations for a in way.actions]
    return finding.rule.startswith("CMD") and bool(actions) and all(a.kind == "manual" for a in actions)
