"""The metadata of an installed distribution is missing, unreadable, or left over from an incomplete removal.

pip writes a folder `NAME-VERSION.dist-info` for every package. When pip is interrupted, or the disk is full, it leaves
folders that begin with `~` (pip says "Ignoring invalid distribution") or metadata without a name. Neither pip, nor
other tools that look up versions, nor this one can say what such a folder belonged to: the package may still be
importable, in part or as a mixture of versions.

What to do: remove folders that begin with `~`, and reinstall the packages they belonged to. A file list that names
paths outside of the environment is ignored here; find out where that package came from before you uninstall it, because
pip would delete the listed files.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.packages.hidden import readable
from doctor.derived.packages.requirements import parse
from doctor.facts import Distributions, present
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.rules.rule import Rule


def check(rule: Rule, case: Case) -> Iterator[Finding]:
    """One finding for each problem, and a note for each requirement that cannot be understood."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    for problem in distributions.problems:
        yield rule.finding(
            problem.message,
            key=problem.path,
            location=Location("file", problem.path, problem.path),
            evidence=[Evidence("installed metadata", problem.message, None, problem.path)],
            remediations=[readable(problem.path) if problem.barred else _again(problem.path)],
        )
    for one in distributions.installed:
        for line in one.requires:
            if "extra" not in line and parse(line) is None:
                yield rule.finding(
                    f"`{one.name} {one.version}` has the requirement `{line[:200]}`, which no tool understands",
                    key=f"{one.key}:{line}",
                    severity="note",
                    location=Location("distribution", one.name),
                    evidence=[Evidence("Requires-Dist", line[:200], "as PEP 508 has it", one.metadata_path)],
                )


def _again(path: str) -> Remediation:
    step = Action("manual", text=f"look at {path}, remove what is left over and reinstall the package")
    return Remediation("remove what is left over and reinstall the package", (step,))


RULE = Rule(
    code="PKG003", name="invalid-metadata", severity="warning", check=check, needs=("distributions",), files=True
)  # fmt: skip
