"""From facts and rows to a problem: what may be chosen, and every requirement with the words that tell it."""

from __future__ import annotations

from doctor.derived.goal import Goal
from doctor.facts import Facts, normalize
from doctor.matrix import rows
from doctor.matrix.compat import compatibility
from doctor.plan.draft import Draft
from doctor.plan.freedom import Freedom
from doctor.plan.machine import machine_clauses
from doctor.plan.models import model_clauses, seen_working
from doctor.plan.needs import imports, majors, name_of, own_metadata, requirement, requirements
from doctor.plan.refused import refused_clauses
from doctor.plan.solver.problem import Clause, Problem, Variable

CHECKED = ("transformers",)  # what engines look at when they start


def build(facts: Facts, goal: Goal, freedom: Freedom) -> tuple[Draft, Problem]:
    """The problem, and the draft that it was made of.

    It holds what is to work, all that this needs, and what else is installed and must not break.
    """
    draft = Draft(facts, goal, freedom)
    _roots(draft)
    model_clauses(draft)
    refused_clauses(draft)
    machine_clauses(draft)
    _drain(draft)
    for name in goal.engines:
        majors(draft, draft.choices.get(name))
    draft.vital = frozenset(draft.used)
    for one in draft.choices.installed.installed:
        _beside(draft, one.key)
    for name in freedom.keep:
        _keep(draft, normalize(name))
    attested = seen_working(goal)
    variables = {
        n: draft.choices.variable(draft.choices.get(n), attested.get(n, frozenset()), _quiet(draft, n))
        for n in sorted(draft.used)
    }
    variables.update(draft.extra)
    _not_installable(draft)
    _excluded(draft, variables)
    return draft, Problem(variables, tuple(draft.clauses))


def _quiet(draft: Draft, name: str) -> int:
    """The releases of which the engine's own check at start does not warn, where its release is fixed."""
    out = -1
    for engine in draft.goal.engines:
        start = draft.used[engine]
        known = draft.choices.get(engine).releases
        if known is None or start & (start - 1) or start >> len(known.versions):
            continue
        found = compatibility(engine, known.versions[start.bit_length() - 1], name) if name in CHECKED else None
        for bound in found.bounds if found else ():
            if bound.kind == "check":
                out &= bound.releases.bits | ~((1 << len(bound.releases.releases.versions)) - 1)
    return out


def _roots(draft: Draft) -> None:
    for name in draft.goal.engines:
        _engine(draft, name)
    if not draft.goal.engines:
        for one in draft.choices.installed.installed:
            if rows.releases(one.key):
                then, text = draft.use(one.key).present, f"`{one.name}` must work"
                draft.require(Clause(one.key, then, f"{one.key} is installed", subject=one.key, text=text))
    for name, specifier in draft.freedom.required.items():
        choice = draft.use(name)
        draft.require(Clause(
            name, choice.admitting(specifier) & choice.present, f"{name}{specifier} is requested",
            subject=f"{name}{specifier}", text=f"`{name}{specifier}` is requested", requested=True,
        ))  # fmt: skip


def _engine(draft: Draft, name: str) -> None:
    """The engine is there; its release stays, unless it may change."""
    have, choice = draft.choices.installed, draft.use(name)
    text = f"`{name}` is the engine to start"
    draft.require(Clause(name, choice.present, f"{name} is requested", subject=name, text=text, requested=True))
    if have.get(name) and not draft.freedom.engines and choice.current is not None:
        release = f"{name} {have.version(name)}"
        text = f"`{name}` must stay at {have.version(name)}"
        draft.require(Clause(name, 1 << choice.current, release, subject=release, text=text))
        draft.used[name] &= 1 << choice.current


def _drain(draft: Draft) -> None:
    while draft.queue:
        choice = draft.choices.get(draft.queue.pop())
        if choice.releases is not None:
            requirements(draft, choice)
            imports(draft, choice)
        own_metadata(draft, choice)


def _beside(draft: Draft, name: str) -> None:
    """What else is installed: where its requirements are met now, they shall be met afterwards."""
    if name in draft.vital:
        return
    have = draft.choices.installed.get(name)
    choice = draft.choices.get(name)
    touched = {n for line in (have.requires if have else ()) if (n := name_of(line)) in draft.vital}
    if not touched or have is None:
        return
    draft.used.setdefault(name, choice.installable)
    if choice.releases is not None and choice.current is not None and not choice.beyond >> choice.current & 1:
        requirements(draft, choice, touched)
    else:
        for line in have.requires:
            if name_of(line) in touched and choice.current is not None:
                requirement(draft, choice, line, 1 << choice.current, beside=True)


def _keep(draft: Draft, name: str) -> None:
    have = draft.choices.installed.get(name)
    if have is None:
        return
    choice = draft.choices.get(name)
    draft.used.setdefault(name, choice.installable)
    assert choice.current is not None
    text = f"`--keep {name}` pins it to {have.version}"
    draft.require(Clause(name, 1 << choice.current, f"keep {name}", subject=f"{name} {have.version}", text=text))


def _not_installable(draft: Draft) -> None:
    """What is not installable is no value: said by a clause that is never given up."""
    python = draft.facts.target.python or "this Python"
    for name in draft.used:
        choice = draft.choices.get(name)
        if choice.installable != (1 << len(choice.values)) - 1:
            text = f"only some releases of `{name}` can be installed on Python {python}"
            draft.require(Clause(name, choice.installable, f"{name} for Python", subject=name, text=text))


def _excluded(draft: Draft, variables: dict[str, Variable]) -> None:
    """What the resolver has turned down is not proposed again."""
    for name, versions in draft.freedom.excluded.items():
        if name in variables:
            bad = sum(1 << i for i, v in enumerate(variables[name].values) if v in versions)
            text = f"the resolver rejected `{name}` {', '.join(sorted(versions))}"
            draft.require(Clause(name, variables[name].all & ~bad, f"{name} rejected", subject=name, text=text))
