"""A launch option is read only by LMDeploy's other backend.

`lmdeploy serve api_server` has one list of options for two engines. Options of the PyTorch engine are not passed to
TurboMind, nor the other way around, and nothing warns you: the server starts as if they were not there. The release's
own code shows which backend reads an option.

What to do: choose the backend that reads the option, or drop the option.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.asked import Asked
from doctor.derived.case import Case
from doctor.derived.model_files import served_model
from doctor.derived.option_findings import argument
from doctor.facts import Model
from doctor.findings import Evidence, Finding, Location, NotApplicable, Open, Remediation
from doctor.matrix import rows
from doctor.matrix.models.turbomind import served_by
from doctor.matrix.refusals import BackendRefusal, holds_for, refusals
from doctor.rules.rule import Rule, Verdict

SHOWN = {"pytorch": "the PyTorch engine", "turbomind": "TurboMind"}


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each option that the backend which will run does not read."""
    found = case.asked
    if not isinstance(found, Asked):
        yield found
        return
    if not found.data.backends:
        yield NotApplicable(f"{found.engine} has one backend")
        return
    table = found.reading.table
    given = {g.name: option for g in found.reading.given if (option := table.option(g.name)) and option.only}
    stopping = [r for r in refusals().backends if r.engine == found.engine and holds_for(r.releases, found.version)
                and found.value(r.option) is not None]  # fmt: skip
    if not given and not stopping:
        yield NotApplicable("no option of one backend alone is given")
        return
    backend = _backend(found, served_model(case.facts))
    if backend is None:
        yield Open("LMDeploy chooses its backend by the model, which is unknown here")
        return
    for name, option in given.items():
        if option.only != backend and option.only is not None:
            yield _finding(rule, found, name, option.only, backend)
    for row in stopping:
        if row.only != backend:
            yield _stops(rule, found, row, backend)


def _backend(asked: Asked, model: object) -> str | None:
    """The backend that will run: PyTorch where it is asked for, or where TurboMind does not have the architecture."""
    if asked.value("--backend") == "pytorch":
        return "pytorch"
    if not isinstance(model, Model) or not model.architectures:
        return None
    row = rows.row(asked.engine, asked.version, "architectures.turbomind", "decisions") or {}
    method = model.quantization.method if model.quantization else None
    taken = served_by(row, model.architectures[0], model.config, method)
    return None if taken is None else "turbomind" if taken else "pytorch"


def _stops(rule: Rule, asked: Asked, row: BackendRefusal, backend: str) -> Finding:
    return rule.finding(
        f"`{row.option}` works only with {SHOWN[row.only]}, but {SHOWN[backend]} will run, "
        f"so {asked.shown} will not start",
        key=row.option, severity="error", location=Location("argument", row.option),
        evidence=[Evidence(row.option, backend, row.only, f"{asked.shown}: {row.source}")],
        remediations=[
            Remediation(f"use `--backend {row.only}`", (argument("--backend", row.only),), "unsafe"),
            Remediation(f"remove `{row.option}`", (argument(row.option, None),), "unsafe"),
        ],
    )  # fmt: skip


def _finding(rule: Rule, asked: Asked, name: str, only: str, backend: str) -> Finding:
    ways = [Remediation(f"remove `{name}`", (argument(name, None),), "safe")]
    if only == "pytorch":
        ways.append(Remediation("use `--backend pytorch`", (argument("--backend", "pytorch"),), "unsafe"))
    return rule.finding(
        f"`{name}` has no effect here: {SHOWN[backend]} will run, and {asked.shown} passes it to {SHOWN[only]} only",
        key=name, location=Location("argument", name),
        evidence=[Evidence(name, backend, only, f"{asked.shown}: lmdeploy/cli/serve.py, api_server")],
        remediations=ways,
    )  # fmt: skip


RULE = Rule(
    code="CMD010", name="option-of-the-other-backend", severity="warning", check=check,
    needs=("launch", "distributions"),
)  # fmt: skip
