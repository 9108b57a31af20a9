"""A shared library of a package is damaged or built for another kind of machine.

`file too short` and `invalid ELF header` mean that the file is not the one that was published: an interrupted download,
a full disk, or a Git LFS pointer in place of the file. `wrong ELF class` means a 32-bit library. The loader skips a
library for another processor (aarch64 on x86-64) and then says that there is no such file.

What to do: reinstall the package without the cache (`pip install --force-reinstall --no-cache-dir NAME`). If it is for
another processor, the environment was copied from another machine: create a new one here.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.libraries import failures, severity_of, unsure
from doctor.facts import NativeLibrary, Natives, present
from doctor.findings import Action, Evidence, Location, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each file that the loader refuses."""
    natives = present(case.facts, "natives", Natives)
    for failure in failures(natives, "damaged-library", "wrong-architecture"):
        library = failure.libraries[0]
        verdict = library.verdict
        if verdict is None:
            continue
        yield rule.finding(
            f"`import {library.module}` needs `{failure.name}`, which cannot be loaded: {verdict.meaning}",
            key=failure.name,
            severity=severity_of(failure, case.facts),
            location=Location("file", library.distribution, library.path),
            evidence=[Evidence("natives", verdict.text, "a library that the loader takes", verdict.file)],
            remediations=[_again(library)],
        )
    yield from unsure(natives)


def _again(library: NativeLibrary) -> Remediation:
    action = Action("install", package=library.distribution, direction="reinstall")
    return Remediation(f"install `{library.distribution}` again", (action,), "safe")


RULE = Rule(code="LIB004", name="unusable-library", severity="error", check=check, needs=("natives",))
