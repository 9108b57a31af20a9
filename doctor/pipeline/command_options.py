"""What findings say of the options of a command and of variables: what a plan changes beside the releases."""

from __future__ import annotations

from doctor.facts import Launch
from doctor.findings import Action, Remediation, Report
from doctor.launch.asked import asked_of
from doctor.launch.edit import edited
from doctor.pipeline.diagnosis import judge
from doctor.plan.predict import predicted

SKIPPED = ("ENG012",)  # a check that a variable skips: what it asks for contradicts another package's requirement


def options_of(report: Report) -> tuple[Action, ...]:
    """What findings say of the launch command and of variables, where that is all they ask for."""
    out: dict[tuple[str, str | None], Action] = {}
    for finding in report.findings:
        skipping = [r for r in finding.remediations if finding.rule in SKIPPED and r.actions[0].kind == "set_env"]
        first = next(iter((*skipping, *finding.remediations)), None)
        if finding.severity != "error" or not first or not first.actions or first.applicability == "manual":
            continue
        if finding.follows_from or _overwrites(report, first):
            continue
        if all(a.kind in ("set_argument", "set_env") for a in first.actions):
            out.update({(a.kind, a.name): a for a in first.actions})
    return tuple(out.values())


def to_the_end(report: Report) -> tuple[Action, ...]:
    """With what the changed command needs in addition, where a value in it left rules on memory undecided."""
    options, launch = options_of(report), report.facts.launch
    undecided = any(r.status == "open" for r in report.results if r.code.startswith("MEM"))
    if not options or not undecided or not isinstance(launch, Launch):
        return options
    now = edited(launch, options, report.facts.version(launch.engine))
    known = {(o.kind, o.name) for o in options}
    more = options_of(judge(predicted(report.facts, {}, launch=now)))
    return (*options, *(o for o in more if (o.kind, o.name) not in known))


def _overwrites(report: Report, way: Remediation) -> bool:
    """Whether a guess would replace an option that the user gave, and that no finding is about."""
    given = asked_of(report.facts)
    if way.applicability == "safe" or given is None:
        return False
    at_fault = {p.name for p in given.reading.problems}
    names = [a.name for a in way.actions if a.kind == "set_argument" and a.value is not None and a.name]
    return any(n not in at_fault and given.values(n) is not None for n in names)
