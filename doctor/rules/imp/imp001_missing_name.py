"""A module imports a name that the installed version of another package does not have.

`from transformers.processing_utils import ImagesKwargs` needs a transformers release that defines `ImagesKwargs`.
Packages rarely state which releases that are, so the installer is content, and the server dies at start with
`ImportError: cannot import name ...`. The name may be too new for the installed release, or removed before it.

What to do: install a release that has the name. Where the data knows the package, the range given has every name
that the engine and the packages beside it import when they start, so that mending one does not break the next.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor.derived.case import Case
from doctor.derived.import_failures import Failure, failures
from doctor.derived.import_findings import missing, where
from doctor.derived.providers import owner_of
from doctor.facts import Facts
from doctor.rules.rule import Rule, Verdict


def check(rule: Rule, case: Case) -> Iterator[Verdict]:
    """One finding for each missing name."""
    facts = case.facts
    for failure in failures(case, "missing-name"):
        yield rule.finding(_message(facts, failure), **missing(facts, failure))


def _message(facts: Facts, failure: Failure) -> str:
    cause = failure.cause
    owner = owner_of(facts, cause.module)
    lacks = f"{owner[0]} {owner[1]} does not have" if owner else "does not have it"
    verb = "uses" if cause.error == "AttributeError" else "imports"
    return f"{where(cause)} {verb} `{cause.name}` from `{cause.module}`, which {lacks}, {failure.effect}"


RULE = Rule(code="IMP001", name="missing-name", severity="error", check=check, needs=("modules",))
