"""A module imports a name that the installed version of another package does not have.

`from transformers.processing_utils import ImagesKwargs` needs a transformers release that defines `ImagesKwargs`.
Packages rarely state which releases those are, so the installer does not complain, and the server exits at startup with
`ImportError: cannot import name ...`. The name may be newer than the installed release, or removed before it.

What to do: install a release that has the name. For packages in the matrix, the range shown has every name that the
engine and the packages around it import at startup, so that one fix does not cause the next failure.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.imports.failures import Failure, failures, unread
from doctor.derived.imports.findings import missing, where
from doctor.derived.packages.providers import owner_of
from doctor.facts import Facts
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each missing name."""
    facts = case.facts
    for failure in failures(case, "missing-name"):
        yield rule.finding(_message(facts, failure), **missing(case, failure))
    yield from unread(case)


def _message(facts: Facts, failure: Failure) -> str:
    cause = failure.cause
    owner = owner_of(facts, cause.module)
    lacks = f"{owner[0]} {owner[1]} does not have" if owner else "does not have it"
    verb = "uses" if cause.error == "AttributeError" else "imports"
    return f"{where(cause)} {verb} `{cause.name}` from `{cause.module}`, which {lacks}, {failure.effect}"


RULE = Rule(code="IMP001", name="missing-name", severity="error", check=check, needs=("modules",))
