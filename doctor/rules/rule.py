"""What a rule is, and what it may look at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypedDict

from doctor.base.record import dataclass
from doctor.derived.case import Case
from doctor.findings import (
    Confidence,
    Evidence,
    Finding,
    FindingParts,
    Location,
    NotApplicable,
    Open,
    Remediation,
    Severity,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

Verdict = Finding | Open | NotApplicable
Check = Callable[["Rule", Case], Iterable[Verdict]]


class MachineParts(TypedDict, total=False):
    """What a finding on the machine says: what was seen and needed, and the file or setting that it is about."""

    observed: str | None
    expected: str | None
    source: str | None
    key: str
    where: str
    severity: Severity | None
    confidence: Confidence


class Described:
    """What every rule has, whether it looks at one machine or at several."""

    __slots__ = ()
    code: str
    name: str
    severity: Severity
    check: Callable[..., Iterable[Verdict]]
    since: str

    @property
    def explanation(self) -> str:
        """The module docstring of the rule: what it means, why it matters, what to do."""
        module = inspect.getmodule(self.check)
        return inspect.cleandoc((module.__doc__ if module else None) or "")

    @property
    def family(self) -> str:
        """The three letters of the layer."""
        return self.code[:3]


@dataclass(frozen=True, slots=True)
class Rule(Described):
    """One thing that can be wrong.

    `needs` are names of `Facts` fields without which it cannot judge. `blocked_by` are codes whose findings make
    this rule's answer meaningless. `check(rule, case)` yields findings, or `Open` / `NotApplicable` alone.
    `files`: it judges files of an installed environment, which a declared one does not have.
    `decisive`: where it finds an error, nothing else is worth mending first; that finding is the primary one.
    `severity` is the usual one. The module's docstring is the text of `qvl-doctor explain CODE`.
    """

    code: str
    name: str
    severity: Severity
    check: Check
    needs: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    files: bool = False
    decisive: bool = False
    since: str = "0.1.0"

    def finding(self, message: str, **parts: Unpack[FindingParts]) -> Finding:
        """A finding of this rule. Its severity is the rule's where none is given, its confidence `high`."""
        return Finding(
            rule=self.code, name=self.name, severity=parts.get("severity") or self.severity, message=message,
            location=parts.get("location"), evidence=tuple(parts.get("evidence", ())),
            remediations=tuple(parts.get("remediations", ())), confidence=parts.get("confidence", "high"),
            key=parts.get("key", ""), causes=tuple(parts.get("causes", ())),
        )  # fmt: skip

    def about(self, message: str, *ways: Remediation, **seen: Unpack[MachineParts]) -> Finding:
        """A finding on the machine with one piece of evidence; its key is the rule's name where none is given."""
        where = seen.get("where", "")
        place = Location("file", where, where) if where.startswith("/") else Location("host", where or "host")
        evidence = Evidence(self.name, seen.get("observed"), seen.get("expected"), seen.get("source"))
        return self.finding(
            message, key=seen.get("key") or self.name, severity=seen.get("severity"), location=place,
            confidence=seen.get("confidence", "high"), evidence=[evidence], remediations=ways,
        )  # fmt: skip
