"""What we say: a finding with its evidence, where it is, what to do, and the report that holds them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from doctor.facts import Facts

Severity = Literal["error", "warning", "note"]
Confidence = Literal["high", "medium", "low"]
RuleStatus = Literal["pass", "fail", "notApplicable", "open", "broken"]
Applicability = Literal["safe", "unsafe", "manual"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact behind a finding: what was seen, what was needed, and where that is written."""

    fact: str
    observed: str | None = None
    expected: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where it is: `kind` is file, distribution, environment, argument or host; `path` is relative to `name`."""

    kind: str
    name: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One step that a program could take.

    `kind`: install (package, specifier, direction), uninstall (package), set_env (name, value), set_argument
    (name, value; None drops it), use_engine, use_model, use_image (name), manual (text).
    """

    kind: str
    package: str | None = None
    specifier: str | None = None
    direction: str | None = None
    name: str | None = None
    value: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Remediation:
    """A way out: `safe` keeps everything else as it is, `unsafe` may change behaviour, `manual` needs a person."""

    title: str
    actions: tuple[Action, ...] = ()
    applicability: Applicability = "manual"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. `rule` and `name` come from the rule; `key` tells findings of one rule apart.

    `causes` are keys (`CODE:key`) of findings that this one would vanish with; the rule engine turns them into
    `follows_from` and picks the primary finding.
    """

    rule: str
    name: str
    severity: Severity
    message: str
    location: Location | None = None
    evidence: tuple[Evidence, ...] = ()
    remediations: tuple[Remediation, ...] = ()
    confidence: Confidence = "high"
    key: str = ""
    causes: tuple[str, ...] = ()
    primary: bool = False
    follows_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule; `reason` says why it is open, broken or not applicable."""

    code: str
    name: str
    status: RuleStatus
    findings: tuple[Finding, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer: what was seen, what became of every rule, and the versions that said so."""

    facts: Facts
    results: tuple[RuleResult, ...]
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the primary one first, then by severity and by the rules' bottom-up order."""
        found = [f for r in self.results for f in r.findings]
        return tuple(sorted(found, key=lambda f: (not f.primary, SEVERITIES.index(f.severity))))

    def count(self, severity: Severity) -> int:
        """How many findings have exactly this severity."""
        return sum(f.severity == severity for f in self.findings)
