"""The launch command names an engine but does not start a server.

In `lmdeploy api_server serve`, `vllm --model M` without `serve`, and `python -m vllm`, the words are right, but their
order or the module is wrong. The program prints its help or an error and exits.

What to do: start the server with the command that the message shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.option_findings import shown
from doctor.facts import Distributions, Facts, Launch, Modules
from doctor.findings import Action, Evidence, Finding, Location, NotApplicable, Remediation
from doctor.launch.asked import form_of
from doctor.matrix.engines import engine_row, serving_engines
from doctor.matrix.providers import releases_with
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """A finding where the engine's program is started in none of the forms that serve."""
    facts = case.facts
    launch = facts.launch
    if not isinstance(launch, Launch) or launch.engine not in serving_engines():
        yield NotApplicable("the command does not start an engine")
        return
    linked = launch.module is not None and isinstance(facts.modules, Modules)  # then IMP002 says what is missing
    absent = () if linked or launch.module is None else tuple(_absent(rule, facts, launch))
    yield from absent
    if form_of(launch) is None and not absent and not linked:
        yield _finding(rule, launch)


def _forms(engine: str) -> list[str]:
    forms = engine_row(engine).launches
    named = [" ".join((f.program, *f.subcommand)) for f in forms if f.program]
    return named + [f"python -m {f.module}" for f in forms if f.module and not f.program]


def _finding(rule: Rule, launch: Launch) -> Finding:
    engine = launch.engine or ""
    words = shown(" ".join((launch.program or f"python -m {launch.module}", *launch.subcommand[:2])), 120)
    best = _forms(engine)[0]
    text = f"start it with `{best}`"
    other = engine_row(engine).does_otherwise(launch.subcommand or launch.arguments[:1])
    other_command = f"is a command of {engine} that does not start a server"
    said = other_command if other else f"does not start a server: use `{best}`"
    return rule.finding(
        f"`{words}` {said}", key=engine,
        location=Location("argument", words),
        evidence=[Evidence("command", words, best, "the engine's entry points")],
        remediations=[Remediation(text, (Action("manual", text=text),))],
    )  # fmt: skip


def _absent(rule: Rule, facts: Facts, launch: Launch) -> Iterator[Verdict]:
    """`python -m MODULE` in a declared environment: whether the release has the module."""
    engine, module = launch.engine or "", launch.module or ""
    here = facts.distributions if isinstance(facts.distributions, Distributions) else None
    version = here.version(engine) if here else None
    having = releases_with(engine, module)
    if version is None or having is None or having.contains(version) is not False:
        return
    window = f"releases {having.spec()} have it" if having.newest else "no release has it"
    best = _forms(engine)[0]
    yield rule.finding(
        f"`python -m {shown(module, 100)}` cannot start: {engine} {version} has no such module; {window}", key=module,
        location=Location("argument", "-m", shown(module, 100)),
        evidence=[Evidence("module", "missing", module, f"{engine} {version}: its published wheel")],
        remediations=[Remediation(f"start it with `{best}`", (Action("manual", text=f"use `{best}`"),))],
    )


RULE = Rule(code="CMD011", name="no-server", severity="error", check=check, needs=("launch",))
