"""The metadata of an installed distribution is missing, cannot be read, or was left behind half-removed.

pip writes a folder `NAME-VERSION.dist-info` beside every package. When pip is interrupted, or a full disk stops it, it
leaves folders that begin with `~` ("Ignoring invalid distribution" in pip's words) or metadata without a name. What
such a folder belonged to is not known to pip, to other tools that ask for versions, or to this one: the package may
still be importable, in part or in a mixture of versions.

What to do: remove folders that begin with `~`, and reinstall the package they belonged to. A file list that names
places outside of the environment is ignored here; look at where that package came from before you uninstall it,
because pip would delete what is listed.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.requirements import parse
from doctor.facts import Distributions, present
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.rules.rule import Rule


def check(rule: Rule, case: Case) -> Iterator[Finding]:
    """One finding for each problem, and a note for each requirement that cannot be understood."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    for problem in distributions.problems:
        step = Action("manual", text=f"look at {problem.path}, remove what is left over and reinstall the package")
        yield rule.finding(
            problem.message,
            key=problem.path,
            location=Location("file", problem.path, problem.path),
            evidence=[Evidence("installed metadata", problem.message, None, problem.path)],
            remediations=[Remediation("remove what is left over and reinstall the package", (step,))],
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


RULE = Rule(
    code="PKG003", name="invalid-metadata", severity="warning", check=check, needs=("distributions",), files=True
)  # fmt: skip
