"""The way out, proven before it is printed: judged, solved, resolved, predicted, and judged again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.derived.goal import Goal, goal_of
from doctor.derived.packages.hidden import hidden_by
from doctor.facts import Distributions, Facts, Host, Launch, Model, normalize
from doctor.facts.host import Libc
from doctor.findings import Action, Finding, Plan, Report, Verified
from doctor.findings.proposal import Proposal
from doctor.launch.edit import as_given, edited
from doctor.launch.options import engine
from doctor.matrix import rows
from doctor.matrix.engines import serving_engines
from doctor.pipeline.command_alone import command_alone, idle
from doctor.pipeline.command_options import options_of, to_the_end
from doctor.pipeline.diagnosis import judge
from doctor.pipeline.exits import checked_exits, of_findings
from doctor.pipeline.resolved import resolved_by
from doctor.plan.choices import only_source, present_of
from doctor.plan.declared import as_declared
from doctor.plan.freedom import Freedom, KeepError
from doctor.plan.intent import lost_intent
from doctor.plan.needs import serving_extras
from doctor.plan.outcome import left_errors
from doctor.plan.planner import Outcome, Solved, plan_for
from doctor.plan.predict import predicted, same
from doctor.plan.start import restarted, step_of, wrong_module
from doctor.plan.steps import commands_of, steps_of
from doctor.repair.wheels import resolver
from doctor.report.launch import not_found

ROUNDS = 4
SOURCES = 6  # distributions without a wheel that a plan may bring, each to be consented to
BROKEN = ("PKG001", "PKG006", "IMP001", "IMP002", "IMP004", "ENG005")


def plan_facts(
    facts: Facts, freedom: Freedom, offline: bool = False, environ: Mapping[str, str] | None = None
) -> Proposal:
    """The plan for facts, whether just collected or saved elsewhere. Raises KeepError."""
    before = judge(facts)
    if not isinstance(facts.distributions, Distributions):
        why = facts.distributions.detail or "the installed distributions could not be read"
        return Proposal(before, Plan(undecided=why, launch=_argv(facts)))
    if (hidden := hidden_by(facts, engine(facts) or "")) is not None:
        return Proposal(before, Plan(undecided=f"{hidden.message}: nothing is planned for it", launch=_argv(facts)))
    for name in freedom.keep:
        if facts.distributions.get(name) is None:
            raise KeepError(f"`--keep {one_line(name, 80)}`: no such distribution is installed")
    if (lost := not_found(before)) is not None:
        return Proposal(before, Plan(undecided=f"{lost} Nothing is planned for a command that was not read"))
    goal = goal_of(facts)
    errors, options = mended(before), to_the_end(before)
    if not errors and not _foreseen(facts, goal, freedom):
        return Proposal(before, idle(facts), before)
    if freedom.prefer == "minimal" and (alone := command_alone(before, errors, options)) is not None:
        return alone
    work = _Work(facts, goal, freedom, before, options, offline, environ)
    return work.answer()


def _foreseen(facts: Facts, goal: Goal, freedom: Freedom) -> bool:
    """Whether a model of which a path names the family, and which the rules do not judge, asks for something else."""
    if isinstance(facts.model, Model) or (goal.family is None and goal.model is None):
        return False
    outcome = plan_for(facts, goal, freedom)
    return outcome.conflict is not None or (outcome.solved is not None and bool(outcome.solved.changed))


def mended(report: Report) -> tuple[Finding, ...]:
    """What a plan is to mend: the errors; where no engine is, what keeps the installed packages from working."""
    errors = tuple(f for f in report.findings if f.severity == "error")
    have = report.facts.distributions
    if errors or not isinstance(have, Distributions) or any(have.get(e) for e in serving_engines()):
        return errors
    return tuple(f for f in report.findings if f.severity == "warning" and f.rule in BROKEN)


def _left(before: Report, after: Report) -> tuple[Finding, ...]:
    """What is left to fix after a plan, without what the import check got past before: nobody checked the new one."""
    left = left_errors(before, after)
    return tuple(f for f in mended(after) if f.severity != "error" or f in left)


def _argv(facts: Facts) -> tuple[str, ...]:
    return facts.launch.argv if isinstance(facts.launch, Launch) else ()


@dataclass
class _Work:
    facts: Facts
    goal: Goal
    freedom: Freedom
    before: Report
    options: tuple[Action, ...]
    offline: bool
    environ: Mapping[str, str] | None
    without: frozenset[str] = frozenset()  # what the resolver found to be published as source alone

    def answer(self) -> Proposal:
        """Solves and resolves until both agree; what the resolver turns down is not proposed again."""
        for _ in range(ROUNDS):
            outcome = plan_for(self.facts, self.goal, self.freedom)
            if outcome.solved is None:
                return self._no_way(outcome)
            try:
                return self._proven(outcome, outcome.solved)
            except resolver.Unresolvable as error:
                turned = _named_in(str(error), outcome.solved)
                if turned is None:
                    plan = Plan(undecided=f"the resolver found no releases: {error}", launch=_argv(self.facts))
                    return Proposal(self.before, plan)
                known = self.freedom.excluded.get(turned[0], frozenset())
                self.freedom = replace(self.freedom, excluded={**self.freedom.excluded, turned[0]: known | {turned[1]}})
        plan = Plan(undecided=f"the resolver rejected {ROUNDS} solutions", launch=_argv(self.facts))
        return Proposal(self.before, plan)

    def _no_way(self, outcome: Outcome) -> Proposal:
        from doctor.plan.exits import exits

        remains = tuple(dict.fromkeys(f.rule for f in mended(self.before)))
        plan = Plan(
            conflict=outcome.conflict, undecided=outcome.undecided, remains=remains, launch=_argv(self.facts),
            alternatives=checked_exits(
                self.facts, (*of_findings(self.before), *exits(self.facts, self.goal, self.freedom, outcome)),
                partial(judge, bare=True), options_of,
            ),
        )  # fmt: skip
        return Proposal(self.before, plan)

    def _proven(self, outcome: Outcome, solved: Solved) -> Proposal:
        have = present_of(self.facts)
        source = frozenset(n for n, v in solved.pins.items() if only_source(n, v))
        resolved, verified = self._resolved(solved, have, source)
        pins = {**{d.key: d.version for d in have.installed if d.key not in solved.removed}}
        chosen = {**solved.pins, **resolved}
        moved = {n: v for n, v in chosen.items() if not same(have, n, v)}
        pins.update(moved)
        again = _reinstalled(self.before, have) - set(moved) - solved.removed
        changes = {n: have.version(n) for n in (*moved, *sorted(solved.removed), *sorted(again))}
        options = self._all_options(solved)
        start, wrong = self._start(), wrong_module(self.facts, self.before.findings)
        release = pins.get(start.engine or "") if start is not None else None
        launch = edited(start, options, release) if start is not None else None
        if (why := lost_intent(start, launch, options, release)) is not None:
            return Proposal(self.before, Plan(undecided=why, launch=_argv(self.facts)))
        to_come = {**moved, **{n: pins[n] for n in again}}
        after = judge(predicted(self.facts, to_come, solved.removed, launch, again))
        gone = resolved_by(self.before, after, {*changes, *(o.name or "" for o in options)})
        other = (step_of(wrong, start),) if wrong and start and start is not self.facts.launch else ()
        gone += [wrong] if wrong and other and wrong not in gone else []
        left = [f for f in mended(self.before) if f not in gone] + list(_left(self.before, after))
        source |= self.without
        if self.facts.target.kind != "installed":
            source |= {n for n, v in pins.items() if only_source(n, v)}
        plan = Plan(
            steps=(*other, *steps_of(solved, pins, changes, options, gone, outcome.refused)),
            pins=dict(sorted(pins.items())), changes=changes,
            commands=commands_of(self.facts, pins, changes, source, verified.resolver is not None),
            launch=launch.argv if launch else (), command=as_given(start, launch) if start and launch else (),
            resolves=tuple(dict.fromkeys(f.rule for f in gone)), verified=verified,
            remains=tuple(dict.fromkeys(f.rule for f in left)), alternatives=of_findings(after) if left else (),
        )  # fmt: skip
        plan = as_declared(self.facts, plan)
        return Proposal(self.before, plan, after, tuple(solved.pins), self.without)

    def _start(self) -> Launch | None:
        """The launch command; with the engine's own command in place of a module that does not exist."""
        launch = self.facts.launch if isinstance(self.facts.launch, Launch) else None
        wrong = wrong_module(self.facts, self.before.findings)
        return (restarted(launch) or launch) if launch and wrong else launch

    def _all_options(self, solved: Solved) -> tuple[Action, ...]:
        backend = solved.backend
        mine = (Action("set_argument", name="--backend", value=backend),) if backend else ()
        return (*mine, *(o for o in self.options if not (backend and o.name == "--backend")))

    def _resolved(self, solved: Solved, have: Distributions, source: frozenset[str]) -> tuple[dict[str, str], Verified]:
        """What uv makes of the solution for the target's Python; the solution alone where it cannot be asked."""
        target = self.facts.target
        if target.python_minor is None or self.offline:
            why = "no network access is allowed" if self.offline else "the target's Python is not known"
            return {}, Verified(True, None, f"solved from the matrix alone, the resolver was not used: {why}")
        libc = self.facts.host.libc if isinstance(self.facts.host, Host) else None
        asked = [(n, v.partition("+")[0]) for n, v in solved.pins.items() if self._asks(solved, n, source)]
        wanted = [f"{_with_extra(n, v)}=={v}" for n, v in asked]
        wanted += [*solved.open, *(f"{n}{s}" for n, s in self._missing(have).items())]
        prefer = {d.key: d.version.partition("+")[0] for d in have.installed if d.key not in solved.changes}
        try:
            pins, self.without = self._compiled(solved, wanted, prefer, libc, have)
            note = "imports are checked against the names in the published wheels; `fix --apply` imports them for real"
            return pins, Verified(True, resolver.version(), note)
        except (resolver.Unreachable, resolver.OnlySource) as error:
            return {}, Verified(True, None, f"solved from the matrix alone, no resolver checked it: {str(error)[:300]}")

    def _compiled(
        self, solved: Solved, wanted: list[str], prefer: dict[str, str], libc: Libc | None, have: Distributions
    ) -> tuple[dict[str, str], frozenset[str]]:
        """The resolver's pins, and of these the distributions that have no wheel: those are taken out and added."""
        target, alone = self.facts.target, dict[str, str]()
        while True:
            try:
                pins = resolver.compile_pins(
                    wanted, python=target.python or "", platform=resolver.platform_of(target, libc), prefer=prefer,
                    without=sorted(alone), environ=self.environ,
                )  # fmt: skip
                new = {n: v for n, v in alone.items() if have.get(n) is None}
                return {**pins, **new}, frozenset(new)
            except resolver.OnlySource as error:
                if error.name in solved.pins and error.name in solved.changes:
                    raise resolver.Unresolvable(str(error)) from None  # the solver has to choose another release
                if error.name in alone or len(alone) >= SOURCES:
                    raise
                alone[error.name] = error.version
                wanted = [w for w in wanted if not w.startswith((f"{error.name}==", f"{error.name}["))]

    def _asks(self, solved: Solved, name: str, source: frozenset[str]) -> bool:
        """Whether the resolver is asked for a pin: what the data covers, and has a wheel."""
        return name not in source and solved.draft.choices.get(name).releases is not None

    def _missing(self, have: Distributions) -> dict[str, str]:
        """What findings say to install beside what is there."""
        out: dict[str, str] = {}
        for finding in mended(self.before):
            for action in next((r.actions for r in finding.remediations if r.applicability == "safe"), ()):
                if action.kind == "install" and action.package and have.get(action.package) is None:
                    out.setdefault(normalize(action.package), action.specifier or "")
        return out


def _reinstalled(before: Report, have: Distributions) -> frozenset[str]:
    """The distributions of which an error says that the same release has to be installed once more."""
    ways = (next(iter(f.remediations), None) for f in before.findings if f.severity == "error")
    actions = (a for way in ways if way is not None for a in way.actions)
    return frozenset(d.key for a in actions if a.direction == "reinstall" and (d := have.get(a.package or "")))


def _with_extra(name: str, version: str) -> str:
    """The name as the installer is to be asked for it: with the extra that an engine needs to serve, if it has one."""
    row = rows.row(name, version, "requires") if serving_extras(name) else None
    lines = [line for group in (row or {}).get("requires", {}).values() for line in group]
    first = next((e for e in serving_extras(name) if any(f'"{e}"' in x or f"'{e}'" in x for x in lines)), None)
    return f"{name}[{first}]" if first else name


def _named_in(text: str, solved: Solved) -> tuple[str, str] | None:
    """The release of the solution that the resolver's words blame: one that was changed, else that of an engine."""
    found = [
        (n, v) for n, v in solved.pins.items()
        if re.search(rf"(?<![\w.-]){re.escape(n)}(?:\[[^\]]*\])?=={re.escape(v.partition('+')[0])}(?![\w.])", text)
    ]  # fmt: skip
    changed = [pair for pair in found if pair[0] in solved.changes]
    engines = [pair for pair in found if pair[0] in solved.draft.goal.engines]
    return next(iter((*changed, *engines)), None)
