"""The engine to start is not installed in this environment.

A launch command works only in the environment that its engine is installed in. Often the engine is in another venv or
conda environment than the one that was checked, or the command is typed while none is active.

What to do: activate the environment that has the engine, name it with `--python`, or install the engine in this one.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import conjoined
from doctor.derived.case import Case
from doctor.derived.packages.hidden import hidden_by, is_of_one, readable
from doctor.facts import Distributions, Launch, present
from doctor.findings import Action, Evidence, Location, NotApplicable, Open, Remediation
from doctor.matrix.engines import names_of_engines
from doctor.matrix.other_servers import other_server
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """An error for a launch whose engine is missing, a warning for an environment that has none to start."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    engine = facts.launch.engine if isinstance(facts.launch, Launch) else None
    if isinstance(facts.launch, Launch) and other_server(facts.launch.program, facts.launch.module):
        yield NotApplicable("the command starts a model server that the rules do not cover")
        return
    where = facts.target.prefix or next(iter(facts.target.paths), "this environment")
    hidden = hidden_by(facts, engine) if engine and distributions.get(engine) is None else None
    if hidden is not None and is_of_one(hidden):
        yield Open(f"whether `{engine}` is installed is not known: {hidden.message}")
    elif hidden is not None:
        yield rule.finding(
            f"`{engine}` was not found: {hidden.message}",
            key=f"{engine}", location=Location("environment", where, hidden.path),
            evidence=[Evidence(engine or "", "cannot be read", "installed", hidden.path)],
            remediations=[readable(hidden.path)],
        )  # fmt: skip
    elif engine and distributions.get(engine) is None:
        yield rule.finding(
            f"`{engine}` is not installed in `{where}`, so this command has nothing to start",
            key=engine,
            location=Location("environment", where),
            evidence=[Evidence(engine, "not installed", "installed", facts.target.why)],
            remediations=_ways(engine),
        )
    elif engine is not None or any(distributions.get(name) for name in names_of_engines()):
        return
    elif (behind := next(filter(None, (hidden_by(facts, name) for name in names_of_engines())), None)) is not None:
        yield Open(f"whether an engine is installed is not known: {behind.message}")
    else:
        engines = conjoined(f"`{name}`" for name in names_of_engines())
        yield rule.finding(
            f"None of {engines} is installed in `{where}`, so there is no server to start here",
            severity="warning",
            location=Location("environment", where),
            evidence=[Evidence("distributions", str(len(distributions.installed)), source=facts.target.why)],
            remediations=_ways(None),
        )


def _ways(engine: str | None) -> list[Remediation]:
    look = "look at the environment that has it: `qvl-doctor check --python DIR`"
    out = [Remediation(look, (Action("manual", text=look),), "manual")]
    if engine:
        out.append(Remediation(f"install {engine} here", (Action("install", engine, direction="install"),), "manual"))
    return out


RULE = Rule(
    code="PKG010", name="engine-not-installed", severity="error", check=check, needs=("distributions",), files=True
)
