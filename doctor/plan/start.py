"""The launch command where the module that `python -m` names does not exist: the engine's own command in its place."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from doctor.facts import Facts, Launch
from doctor.findings import Action, Finding, Step
from doctor.matrix.engines import engine_row

RULES = ("IMP003", "CMD011")


def wrong_module(facts: Facts, findings: Sequence[Finding]) -> Finding | None:
    """The error that says that the module of the command does not exist."""
    name = facts.launch.module if isinstance(facts.launch, Launch) else None
    return next((f for f in findings if name and f.rule in RULES and f.severity == "error" and f.key == name), None)


def restarted(launch: Launch) -> Launch | None:
    """The same arguments behind the engine's console command; None where it has none.

    A command of an environment (`/venv/bin/python`) is looked for beside its Python.
    """
    form = next((f for f in engine_row(launch.engine).launches if f.program), None)
    at = next((i for i, w in enumerate(launch.argv) if w == launch.module), None)
    if form is None or form.program is None or at is None or at < 2:
        return None
    program = posixpath.join(posixpath.dirname(launch.argv[at - 2]), form.program)
    arguments = launch.arguments or launch.argv[at + 1 :]
    front, old = (program, *form.subcommand), launch.argv[: at + 1]
    given = launch.given
    place = next((i for i in range(len(given)) if given[i : i + len(old)] == old), None)
    return replace(
        launch, argv=(*front, *arguments), module=None, program=form.program, subcommand=form.subcommand,
        arguments=arguments, lead=(*given[:place], *front) if place is not None else None,
        given=(*given[:place], *front, *given[place + len(old) :]) if place is not None else (*front, *arguments),
    )  # fmt: skip


def step_of(finding: Finding, launch: Launch) -> Step:
    """The step that changes the start of the command."""
    words = " ".join((launch.program or "", *launch.subcommand))
    return Step(Action("manual", text=f"start it with `{words}`"), finding.message, (f"{finding.rule}:{finding.key}",))
