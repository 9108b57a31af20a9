"""Files of a serving engine differ from what was installed: somebody edited or deleted them.

People comment out an import or a version check in the engine to get past an error. That works until the next upgrade
restores the line, and until then every message about that file is about code that nobody else has. The installer's list
of files holds a hash of each, so the difference is certain; the reason for it is not.

What to do: if you know the change, keep it, and mention it when you report a problem. Otherwise, reinstall the engine,
which restores the original files and discards the change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.facts import ChangedFile, Distributions, present
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.rules.rule import Rule

_SHOWN = 10


def check(rule: Rule, case: Case) -> Iterator[Finding]:
    """One finding for each engine that has changed files."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    groups: dict[str, list[ChangedFile]] = defaultdict(list)
    for one in distributions.changed:
        groups[one.distribution].append(one)
    for name, files in groups.items():
        yield _finding(rule, name, distributions.version(name) or "", files)


def _finding(rule: Rule, name: str, version: str, files: list[ChangedFile]) -> Finding:
    missing = sum(f.change == "missing" for f in files)
    modified = len(files) - missing
    parts = [f"{n} {_files(n)} {what}" for n, what in ((modified, "modified"), (missing, "deleted")) if n]
    pin = Action("install", package=name, specifier=f"=={version}", direction="reinstall")
    return rule.finding(
        f"`{name} {version}` has {' and '.join(parts)} since it was installed, such as `{files[0].path}`",
        key=name,
        location=Location("file", name, files[0].path),
        evidence=[Evidence("file as installed", f.change, "unchanged", f.path) for f in files[:_SHOWN]],
        remediations=[Remediation(f"reinstall `{name}=={version}`, which loses the change", (pin,), "unsafe")],
    )


def _files(count: int) -> str:
    return "file" if count == 1 else "files"


RULE = Rule(code="PKG005", name="changed-file", severity="warning", check=check, needs=("distributions",), files=True)
