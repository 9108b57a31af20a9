"""A file or folder in the directory where the server starts hides an installed module of the same name.

`python -m something` puts the working directory first on the search path, and `python script.py` the script's folder. A
file `transformers.py` there, or a cloned source folder `torch/`, is then imported instead of the installed package:
names are missing, compiled parts are missing, or one of your scripts runs in the middle of the startup. The message
that follows ("cannot import name ... partially initialized module") rarely says so.

What to do: rename the file or folder, start from another folder, or use the console command (`lmdeploy serve ...`),
which does not look in the working directory. From Python 3.11 on, `PYTHONSAFEPATH=1` has the same effect.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import Distributions, Facts, Modules, present
from doctor.findings import Action, Evidence, Location, NotApplicable, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each module of the first folder that hides another; an error where the launch imports it."""
    facts = case.facts
    distributions: Distributions = present(facts, "distributions", Distributions)
    if facts.target.front is None and not distributions.shadows:
        yield NotApplicable("this launch does not put a folder of the user before the installed packages")
    reached = _reached(facts)
    for shadow in distributions.shadows:
        steps = [Action("manual", text=f"rename {shadow.path}, or start the server from another folder")]
        if (facts.target.python_minor or (0, 0)) >= (3, 11):
            steps.append(Action("set_env", name="PYTHONSAFEPATH", value="1"))
        yield rule.finding(
            f"`{shadow.path}` is imported as `{shadow.module}`, not the one from {_owner(shadow.hides)}",
            key=shadow.module,
            severity="error" if shadow.module in reached else "warning",
            location=Location("file", shadow.module, shadow.path),
            evidence=[Evidence(f"where {shadow.module} is found", shadow.path, shadow.hides, facts.target.front)],
            remediations=[Remediation("rename it, or start the server from another folder", (steps[0],))]
            + [Remediation("start with `PYTHONSAFEPATH=1`", (s,), "safe") for s in steps[1:]],
        )


def _owner(hides: str) -> str:
    return hides if " " in hides else f"`{hides}`"


def _reached(facts: Facts) -> set[str]:
    """The top-level names that importing the launch's entry points reaches, as far as the link check knows."""
    modules = facts.modules
    names = (*modules.eager, *modules.entries) if isinstance(modules, Modules) else ()
    return {name.partition(".")[0] for name in names}


RULE = Rule(
    code="PKG007", name="shadowed-module", severity="warning", check=check, needs=("distributions",), files=True
)  # fmt: skip
