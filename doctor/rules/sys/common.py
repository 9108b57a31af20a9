"""What the host rules share: the way to a fact, and the shape of their findings."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.facts import Facts, Host
from doctor.facts.wsl import Wsl
from doctor.findings import Action, Confidence, Evidence, Finding, Location, Remediation, Severity
from doctor.rules.rule import NotApplicable, Rule, Verdict, present


def host_of(facts: Facts) -> Host:
    """The host facts, for rules that need them."""
    host: Host = present(facts, "host", Host)
    return host


def wsl_of(facts: Facts) -> Wsl | None:
    """The WSL facts, or None on any other Linux."""
    return host_of(facts).wsl


def no_wsl() -> Iterator[Verdict]:
    """The answer of a WSL rule elsewhere."""
    yield NotApplicable("this is not WSL")


def manual(text: str) -> Remediation:
    """A way out that a person takes, in one sentence."""
    return Remediation(text[:1].upper() + text[1:], (Action("manual", text=text),))


def found(
    rule: Rule,
    message: str,
    *remediations: Remediation,
    observed: str | None = None,
    expected: str | None = None,
    source: str | None = None,
    key: str = "",
    where: str = "",
    severity: Severity | None = None,
    confidence: Confidence = "high",
) -> Finding:
    """A finding about the host with one piece of evidence; `where` is the file or setting that it is about."""
    place = Location("file", where, where) if where.startswith("/") else Location("host", where or "host")
    evidence = Evidence(rule.name, observed, expected, source)
    return rule.finding(
        message,
        key=key or rule.name,
        severity=severity,
        confidence=confidence,
        location=place,
        evidence=[evidence],
        remediations=remediations,
    )
