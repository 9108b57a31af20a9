"""The finding on something that an import lacks: a name or a module, with the releases that have it."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.derived.import_failures import Failure, chain, location
from doctor.derived.release_windows import window
from doctor.facts import Facts
from doctor.findings import FindingParts, Remediation


def missing(facts: Facts, failure: Failure, otherwise: Iterable[Remediation] = ()) -> FindingParts:
    """The finding's parts; `otherwise` are the ways out where the data does not know which releases have it."""
    found = window(facts, failure.cause)
    ways = [found.remediation(failure.modules[0].partition(".")[0])] if found else list(otherwise)
    return {
        "key": failure.key,
        "severity": failure.severity,
        "location": location(failure.cause),
        "evidence": [*([found.evidence(failure.key)] if found else []), chain(failure)],
        "remediations": ways,
    }
