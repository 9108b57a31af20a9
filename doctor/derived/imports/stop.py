"""What stops the launch at its imports: the failure that its own chain of imports meets first, and what it is about."""

from __future__ import annotations

from doctor.derived.case import Case, memoized
from doctor.derived.imports.failures import Failure, failures
from doctor.derived.packages.providers import owner_of
from doctor.facts import Modules, normalize
from doctor.matrix.module_names import provider_of

KINDS = {"missing-name": "IMP001", "missing-module": "IMP002", "error": "IMP004", "missing-library": "IMP005",
         "missing-symbol": "IMP005"}  # fmt: skip


@memoized
def stopping(case: Case) -> tuple[Failure, ...]:
    """The failures that stop the launch or the named model, those of the entries first, in the order of the launch."""
    modules = case.facts.modules
    if not isinstance(modules, Modules):
        return ()
    found = [f for f in failures(case, *KINDS) if f.severity == "error"]
    order = {name: place for place, name in enumerate(modules.entries)}
    last = len(order)
    return tuple(sorted(found, key=lambda f: min(order.get(n, last) for n in f.modules)))


@memoized
def starts(case: Case) -> bool | None:
    """Whether everything that the launch imports can be imported; None where nobody looked or something is unknown."""
    modules = case.facts.modules
    if not isinstance(modules, Modules) or not modules.entries:
        return None
    if stopping(case):
        return False
    return True if all(_status(modules, e) == "ok" for e in modules.entries) else None


def _status(modules: Modules, name: str) -> str:
    found = modules.verdicts.get(name)
    return found.status if found else "unknown"


def key_of(failure: Failure) -> str:
    """The finding (`CODE:key`) that a failure makes."""
    line = f":{failure.cause.line}" if failure.cause.kind == "error" else ""
    return f"{KINDS[failure.cause.kind]}:{failure.key}{line}"


@memoized
def first_stop(case: Case) -> str | None:
    """The finding (`CODE:key`) of the failure that the launch meets first; None where nothing stops it."""
    found = stopping(case)
    return key_of(found[0]) if found else None


@memoized
def stopped_for(case: Case, distribution: str) -> tuple[str, ...]:
    """The findings of what stops the launch and is about this distribution: it is missing, or it is too old or new."""
    return tuple(key_of(f) for f in stopping(case) if normalize(distribution) in _about(case, f))


def _about(case: Case, failure: Failure) -> set[str]:
    """The distributions that a failure is about: what the missing module or name belongs to."""
    module = failure.cause.module
    owner = owner_of(case.facts, module)
    known = owner[0] if owner else provider_of(module)
    top = module.partition(".")[0]
    return {normalize(known)} if known else {normalize(top)}


def about_files(case: Case, paths: tuple[str, ...]) -> tuple[str, ...]:
    """The findings of what stops the launch at one of these files (relative to their search path entry).

    The statement that fails is in the file, or what it does not find would be: a module's name, or a library's file.
    """
    wanted = set(paths)
    names = {p.rpartition("/")[2] for p in paths}

    def concerned(failure: Failure) -> bool:
        cause = failure.cause
        inside = cause.module.replace(".", "/")
        files = {cause.file, f"{inside}.py", f"{inside}/__init__.py"} - {None}
        return bool(files & wanted) or bool(cause.kind.startswith("missing-l") and cause.name in names)

    return tuple(key_of(f) for f in stopping(case) if concerned(f))
