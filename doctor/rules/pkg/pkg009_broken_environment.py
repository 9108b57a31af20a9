"""The environment itself is damaged: its Python is gone, or parts of it cannot be read.

A venv does not contain a Python of its own, only a link to the one it was made from. When that one is removed or
upgraded to another minor version (by the system, pyenv, conda or Homebrew), the venv no longer starts, or it starts
with a Python that does not look in the folder with its packages.

What to do: recreate the environment from a Python that exists, and install the same packages again.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.hidden import readable
from doctor.facts import Launch
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.rules.rule import Rule


def check(rule: Rule, case: Case) -> Iterator[Finding]:
    """An error where the environment has lost its Python; a note for whatever else could not be used."""
    target = case.facts.target
    gone = target.kind == "installed" and target.base_prefix is None
    started = case.facts.launch.argv[:1] if isinstance(case.facts.launch, Launch) else ()
    for problem in target.problems:
        locked = problem.path in started and problem.barred
        step = Action("manual", text="create a new environment and install the same packages")
        anew = Remediation("create a new environment", (step,))
        ways = [anew] if gone else [readable(problem.path)] if problem.barred else []
        yield rule.finding(
            problem.message,
            key=problem.path,
            severity=rule.severity if gone or locked else "note",
            location=Location("environment", target.prefix or problem.path, problem.path),
            evidence=[Evidence("environment", problem.message, None, problem.path)],
            remediations=ways,
        )


RULE = Rule(code="PKG009", name="broken-environment", severity="error", check=check, files=True)
