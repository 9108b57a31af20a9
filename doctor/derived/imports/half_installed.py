"""Failures at distributions whose files are not what was installed: an upgrade that stopped half-way, or lost files."""

from __future__ import annotations

from doctor.derived.case import Case, memoized
from doctor.derived.imports.failures import Failure, failures
from doctor.facts import ChangedFile, Distribution, Distributions, Launch
from doctor.matrix.engines import entry_modules, serving_engines

KINDS = ("missing-name", "missing-module", "error", "missing-library", "missing-symbol")
MANY = 5  # changed files from which a distribution is taken for half installed, wherever in it the import fails


@memoized
def half_installed_at(case: Case, failure: Failure) -> tuple[str, ...]:
    """The names of the distributions that a failure is about and whose files were changed there."""
    have = case.facts.distributions
    if not isinstance(have, Distributions) or not have.changed:
        return ()
    files = _files(failure)
    tops = {f.partition("/")[0].removesuffix(".py") for f in files}
    concerned = [d for d in have.installed if tops & set(d.top_level)]
    return tuple(d.name for d in concerned if _is_half(d, [c for c in have.changed if c.distribution == d.name], files))


@memoized
def stopped_in(case: Case, distribution: Distribution) -> tuple[Failure, ...]:
    """The failures that stop the launch at changed files of this distribution."""
    found = (f for f in failures(case, *KINDS) if f.severity == "error")
    return tuple(f for f in found if distribution.name in half_installed_at(case, f))


@memoized
def lost_entry(case: Case, distribution: Distribution) -> str | None:
    """A file of the engine that holds a module which the launch imports, and that is no longer there."""
    have, launch = case.facts.distributions, case.facts.launch
    if not isinstance(have, Distributions) or distribution.key not in serving_engines():
        return None
    if isinstance(launch, Launch) and launch.engine not in (None, distribution.key):
        return None
    gone = {c.path for c in have.changed if c.distribution == distribution.name and c.change == "missing"}
    modules = entry_modules(distribution.key, distribution.version, program=None) if gone else ()
    paths = (m.replace(".", "/") for m in modules)
    return next((f for p in paths for f in (f"{p}.py", f"{p}/__init__.py") if f in gone), None)


def _files(failure: Failure) -> set[str]:
    """The file of the statement that fails, and those that what it imports would be in."""
    cause = failure.cause
    inside = cause.module.replace(".", "/")
    return {f.replace("\\", "/") for f in (cause.file, f"{inside}.py", f"{inside}/__init__.py") if f}


def _is_half(distribution: Distribution, changed: list[ChangedFile], files: set[str]) -> bool:
    return len(changed) >= MANY or any(c.path in files for c in changed)
