"""Files of a distribution differ from what was installed: they were edited or deleted, or an upgrade stopped half-way.

People comment out an import or a version check in the engine to get past an error. That works until the next upgrade
restores the line, and until then every message about that file is about code that nobody else has. The installer's list
of files holds a hash of each, so the difference is certain; the reason for it is not.

An upgrade that was interrupted, or two tools that install into one environment, leave the metadata of one release with
the files of another, or a folder that is missing. If the start fails at such files, this is an error, and it comes
first: the failing import is its consequence, and no other release of a package helps.

What to do: if you know the change, keep it, and mention it when you report a problem. Otherwise, reinstall the same
release, which restores the original files and discards the change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.failures import Failure
from doctor.derived.imports.findings import what_fails, where
from doctor.derived.imports.half_installed import lost_entry, stopped_in
from doctor.facts import ChangedFile, Distribution, Distributions, present
from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.rules.rule import Rule

_SHOWN = 10


def check(rule: Rule, case: Case) -> Iterator[Finding]:
    """One finding for each distribution that has changed files."""
    distributions: Distributions = present(case.facts, "distributions", Distributions)
    groups: dict[str, list[ChangedFile]] = defaultdict(list)
    for changed in distributions.changed:
        groups[changed.distribution].append(changed)
    for name, files in groups.items():
        one = distributions.get(name)
        if one is not None:
            yield _finding(rule, one, files, stopped_in(case, one), lost_entry(case, one))


def _finding(
    rule: Rule, one: Distribution, files: list[ChangedFile], stops: tuple[Failure, ...], lost: str | None
) -> Finding:
    name, version = one.name, one.version
    missing = sum(f.change == "missing" for f in files)
    modified = len(files) - missing
    parts = [f"{n} {_files(n)} {what}" for n, what in ((modified, "modified"), (missing, "deleted")) if n]
    half = f"`{name} {version}` is only half installed: it" if stops or lost else f"`{name} {version}`"
    effect = f", and the start fails there at {where(stops[0].cause)}" if stops else ""
    effect = effect or (f", and the start imports `{lost}`" if lost else "")
    fails = [Evidence("what fails", what_fails(f.cause), None, f.cause.file) for f in stops[:2]]
    pin = Action("install", package=name, specifier=f"=={version}", direction="reinstall")
    return rule.finding(
        f"{half} has {' and '.join(parts)} since it was installed, such as `{files[0].path}`{effect}",
        key=name,
        severity="error" if stops or lost else "warning",
        location=Location("file", name, files[0].path),
        evidence=[*fails, *(Evidence("file as installed", f.change, "unchanged", f.path) for f in files[:_SHOWN])],
        remediations=[Remediation(f"reinstall `{name}=={version}`, which discards the change", (pin,), "unsafe")],
    )


def _files(count: int) -> str:
    return "file" if count == 1 else "files"


RULE = Rule(code="PKG005", name="changed-file", severity="warning", check=check, needs=("distributions",), files=True)
