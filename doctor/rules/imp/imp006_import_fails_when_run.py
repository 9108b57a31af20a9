"""The module failed to import when `check --deep` really imported it.

Without `--deep`, doctor runs nothing from the environment and traces the imports on paper. With it, the environment's
interpreter imports the engine's modules in a separate process, and what Python reports is final: it includes the
startup code of libraries, a driver that is called at import, and everything else that no file shows.

What to do: read the message, which is Python's own. If the link check found the same problem, fix that first, and this
finding goes away with it. If the process died without a message, a native library ended it; `qvl-doctor run` keeps the
traceback of such a crash.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.failures import failures
from doctor.derived.imports.stop import KINDS, key_of
from doctor.facts import Facts, Modules, Trial, Trials, present
from doctor.findings import Evidence, Finding, Location, Open
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each module that could not be imported; those that hang leave the answer open."""
    facts = case.facts
    trials: Trials = present(facts, "trials", Trials)
    for trial in trials.trials:
        if trial.outcome == "timed-out":
            yield Open(f"the import of `{trial.module}` timed out")
        elif trial.outcome != "ok":
            yield _finding(rule, case, trials, trial)
        elif _said(facts, trial.module) == "fail":
            yield rule.finding(
                f"`import {trial.module}` works, but the link check says that it fails: this is a bug in qvl-doctor",
                key=f"wrong:{trial.module}", severity="note", location=Location("file", trial.module),
            )  # fmt: skip


def _finding(rule: Rule, case: Case, trials: Trials, trial: Trial) -> Finding:
    raised = trial.outcome == "raised"
    said = f"ends with {trial.error}: {trial.text}" if raised else f"kills the process ({trial.signal})"
    place = Location("file", trial.module.partition(".")[0], trial.file, trial.line) if trial.file else None
    return rule.finding(
        f"`import {trial.module}`, run for real, {said}",
        key=trial.module, location=place,
        evidence=[Evidence(f"import {trial.module}", trial.error or trial.signal, "no error", trials.executable)],
        causes=[key_of(f) for f in failures(case, *KINDS) if trial.module in f.modules],
    )  # fmt: skip


def _said(facts: Facts, module: str) -> str | None:
    found = facts.modules.verdicts.get(module) if isinstance(facts.modules, Modules) else None
    return found.status if found else None


RULE = Rule(code="IMP006", name="import-fails-when-run", severity="error", check=check, needs=("trials",))
