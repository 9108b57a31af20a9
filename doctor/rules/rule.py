"""What a rule is, and what it may look at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from doctor.facts import Facts
from doctor.findings import Confidence, Evidence, Finding, Location, Remediation, Severity
from doctor.record import dataclass


@dataclass(frozen=True, slots=True)
class Open:
    """A rule's answer where the facts do not decide: never silently fine. `reason` is one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A rule's answer where there is nothing for it to judge. `reason` is one sentence."""

    reason: str


Verdict = Finding | Open | NotApplicable
Check = Callable[["Rule", Facts], Iterable[Verdict]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong.

    `needs` are names of `Facts` fields without which it cannot judge. `blocked_by` are codes whose findings make
    this rule's answer meaningless. `check(rule, facts)` yields findings, or `Open` / `NotApplicable` alone.
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

    @property
    def explanation(self) -> str:
        """The module docstring of the rule: what it means, why it matters, what to do."""
        module = inspect.getmodule(self.check)
        return inspect.cleandoc((module.__doc__ if module else None) or "")

    @property
    def family(self) -> str:
        """The three letters of the layer."""
        return self.code[:3]

    def finding(
        self,
        message: str,
        *,
        key: str = "",
        severity: Severity | None = None,
        confidence: Confidence = "high",
        location: Location | None = None,
        evidence: Iterable[Evidence] = (),
        remediations: Iterable[Remediation] = (),
        causes: Iterable[str] = (),
    ) -> Finding:
        """A finding of this rule; `key` tells it from the rule's others and is what `causes` of others refer to."""
        return Finding(
            rule=self.code, name=self.name, severity=severity or self.severity, message=message, location=location,
            evidence=tuple(evidence), remediations=tuple(remediations), confidence=confidence, key=key,
            causes=tuple(causes),
        )  # fmt: skip


def present(facts: Facts, name: str, kind: type[Any]) -> Any:
    """The fact `name`, of type `kind`; for rules that name it in `needs`, where it cannot be missing."""
    value = getattr(facts, name)
    if not isinstance(value, kind):
        raise TypeError(f"fact {name!r} is {type(value).__name__}; does the rule name it in `needs`?")
    return value
