"""The finding on something that an import lacks: a name or a module, with the releases that have it."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.facts import Facts
from doctor.findings import Finding, Remediation
from doctor.rules.imp.failures import Failure, chain, location
from doctor.rules.imp.windows import window
from doctor.rules.rule import Rule


def missing(rule: Rule, facts: Facts, failure: Failure, message: str, otherwise: Iterable[Remediation] = ()) -> Finding:
    """The finding; `otherwise` are the ways out where the data does not know which releases have what is missing."""
    found = window(facts, failure.cause)
    ways = [found.remediation(failure.modules[0].partition(".")[0])] if found else list(otherwise)
    return rule.finding(
        message,
        key=failure.key,
        severity=failure.severity,
        location=location(failure.cause),
        evidence=[*([found.evidence(failure.key)] if found else []), chain(failure)],
        remediations=ways,
    )
