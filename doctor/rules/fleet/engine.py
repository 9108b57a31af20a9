"""Runs the rules between nodes; one that crashes does not take the answer with it."""

from __future__ import annotations

from collections.abc import Sequence

from doctor.derived.fleet import Fleet
from doctor.findings import Finding, NotApplicable, Open, RuleResult
from doctor.rules.fleet.rule import FleetRule


def evaluate_fleet(fleet: Fleet, rules: Sequence[FleetRule]) -> tuple[RuleResult, ...]:
    """The result of every rule, in the order given."""
    return tuple(_run(rule, fleet) for rule in rules)


def _run(rule: FleetRule, fleet: Fleet) -> RuleResult:
    try:
        verdicts = list(rule.check(rule, fleet))
    except Exception as error:
        return RuleResult(rule.code, rule.name, "broken", reason=f"{type(error).__name__}: {error}")
    findings = tuple(v for v in verdicts if isinstance(v, Finding))
    unsure = next((v.reason for v in verdicts if isinstance(v, Open)), None)
    if findings:
        return RuleResult(rule.code, rule.name, "fail", findings, unsure)
    if unsure is not None:
        return RuleResult(rule.code, rule.name, "open", reason=unsure)
    away = next((v.reason for v in verdicts if isinstance(v, NotApplicable)), None)
    return RuleResult(rule.code, rule.name, "notApplicable" if away else "pass", reason=away)
