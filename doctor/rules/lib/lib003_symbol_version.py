"""The system is too old for a compiled package.

`version 'GLIBC_2.38' not found` means that a package was compiled on a newer Linux than this one. GLIBC is the
distribution's C library. GLIBCXX and CXXABI belong to the C++ library, libstdc++.so.6; conda and some packages include
their own copy, sometimes older than the system's.

What to do: for GLIBC, use a newer distribution or container image, or an older version of the package (a wheel with an
older `manylinux` tag in its file name). For GLIBCXX and CXXABI, update the C++ library (`conda install -c conda-forge
libstdcxx-ng`), or make sure that LD_LIBRARY_PATH does not lead to an older copy.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.libraries import failures, severity_of, unsure
from doctor.facts import Natives, present
from doctor.facts.natives import NativeVerdict
from doctor.findings import Action, Evidence, Location, Remediation
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each symbol version that is missing."""
    natives = present(case.facts, "natives", Natives)
    for failure in failures(natives, "missing-version"):
        library = failure.libraries[0]
        verdict = library.verdict
        if verdict is None:
            continue
        family = failure.name.partition("_")[0]
        have = natives.versions.get(family)
        observed = f"{verdict.provider} has up to {family}_{have}" if have else str(verdict.provider)
        yield rule.finding(
            f"`{library.path}` needs `{failure.name}`, {_but(verdict, f'{family}_{have}' if have else '')}",
            key=failure.name,
            severity=severity_of(failure, case.facts),
            location=Location("file", library.distribution, library.path),
            evidence=[Evidence("natives", observed, failure.name, lib.path) for lib in failure.libraries[:5]],
            remediations=[_newer(family, library.distribution)],
        )
    yield from unsure(natives)


def _but(verdict: NativeVerdict, most: str) -> str:
    if most:
        return f"but `{verdict.provider}` is too old: it has only up to `{most}`"
    return f"which `{verdict.provider}` does not have: {verdict.meaning}"


def _newer(family: str, distribution: str) -> Remediation:
    if family == "GLIBC":
        title = f"use a newer Linux or container image, or an older `{distribution}` that was built for this one"
    else:
        title = "update the C++ library (libstdc++), and keep older copies out of LD_LIBRARY_PATH"
    return Remediation(title, (Action("manual", text=title),))


RULE = Rule(code="LIB003", name="symbol-version", severity="error", check=check, needs=("natives",))
