"""What a finding on a failing import is made of: the statement, the way to it, and the releases that have it."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.derived.case import Case
from doctor.derived.imports.failures import Failure
from doctor.derived.imports.half_installed import half_installed_at
from doctor.derived.packages.providers import window
from doctor.facts import Cause
from doctor.findings import Evidence, FindingParts, Location, Remediation


def where(cause: Cause) -> str:
    """`file:line` of the statement that fails, or the module asked for."""
    if cause.file is None:
        return f"`import {cause.chain[-1]}`" if cause.chain else "The launch command"
    return f"`{cause.file}:{cause.line}`" if cause.line else f"`{cause.file}`"


def what_fails(cause: Cause) -> str:
    """A failing import in a few words."""
    if cause.kind == "missing-name":
        return f"`{cause.name}` from `{cause.module}`"
    return cause.text or f"`{cause.module}`"


def location(cause: Cause) -> Location:
    """The statement that fails."""
    owner = (cause.file or cause.module).replace("\\", "/").partition("/")[0].removesuffix(".py")
    return Location("file", owner, cause.file, cause.line)


def chain(failure: Failure) -> Evidence:
    """How the import gets there, from the module asked for to the one that fails."""
    steps = " > ".join(failure.cause.chain[-6:]) or failure.modules[0]
    return Evidence("chain", steps, source=failure.cause.error)


def missing(case: Case, failure: Failure, otherwise: Iterable[Remediation] = ()) -> FindingParts:
    """The parts of a finding on a missing name or module; `otherwise` are the ways out where the data knows none.

    What follows from a half-installed distribution has no way out of its own: its files are not a release's.
    """
    half = half_installed_at(case, failure)
    found = window(case.facts, failure.cause) if not half else None
    ways = [found.remediation(failure.modules[0].partition(".")[0])] if found else list(otherwise) if not half else []
    return {
        "key": failure.key,
        "severity": failure.severity,
        "location": location(failure.cause),
        "evidence": [*([found.evidence(failure.key)] if found else []), chain(failure)],
        "remediations": ways,
        "causes": [f"PKG005:{name}" for name in half],
    }
