"""The launch command names a module that this version of the engine does not have.

`python -m some.module` needs exactly that module. Engines move their servers between modules, and advice found
elsewhere often names one that only an older or newer release has, or that never existed: `lmdeploy.serve.api_server`
was not in any release; the server is `lmdeploy.serve.openai.api_server`, and the supported command is
`lmdeploy serve api_server`.

What to do: use the console command, or the module that this release has.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.providers import owner_of
from doctor.facts import Launch, Modules
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.matrix.engines import engine
from doctor.matrix.providers import releases_with
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where the module of `python -m` does not exist."""
    facts = case.facts
    launch, modules = facts.launch, facts.modules
    if not isinstance(launch, Launch) or launch.module is None or not isinstance(modules, Modules):
        yield NotApplicable("the launch command does not name a module")
        return
    name = launch.module
    status = modules.verdicts.get(name)
    cause = status.cause if status else None
    if cause is None or cause.kind != "missing-module" or not f"{name}.".startswith(f"{cause.module}.") or cause.file:
        return
    owner = owner_of(facts, name)
    have = f"{owner[0]} {owner[1]} has no such module" if owner else f"`{name.partition('.')[0]}` is not installed here"
    elsewhere = _elsewhere(name)
    yield rule.finding(
        f"`python -m {name}` cannot start, because {have}{elsewhere}",
        key=name,
        location=Location("argument", "-m", name),
        evidence=[Evidence("module", "missing", name, f"{owner[0]} {owner[1]}" if owner else "search path")],
        remediations=_ways(launch, modules, name),
    )


def _elsewhere(name: str) -> str:
    having = releases_with(name.partition(".")[0], name)
    if having is None:
        return ""
    return f"; releases {having.spec()}" if having.newest else "; no published release has it"


def _ways(launch: Launch, modules: Modules, name: str) -> list[Remediation]:
    out = []
    found = engine(launch.engine) if launch.engine else None
    command = next((f for f in found.launches if f.program), None) if found else None
    if command:
        words = " ".join((command.program or "", *command.subcommand))
        out.append(Remediation(f"start it with `{words}`", (Action("manual", text=f"use `{words}`"),), "manual"))
    there = {**modules.verdicts, **dict.fromkeys(modules.listed)}
    same = [m for m in there if m.rpartition(".")[2] == name.rpartition(".")[2] and m != name]
    near = sorted(same, key=lambda m: -difflib.SequenceMatcher(None, m, name).ratio())
    known = [f.module for f in found.launches if f.module in there and f.module != name] if found else []
    for module in [*(m for m in near if m in known), *(m for m in near if m not in known)][:1] or known[:1]:
        text = f"use `python -m {module}`, which is the module here"
        out.append(Remediation(text, (Action("set_argument", name="-m", value=module),), "unsafe"))
    return out


RULE = Rule(code="IMP003", name="launch-module-missing", severity="error", check=check, needs=("launch", "modules"))
