"""A card that can never hold the weights is told first, whatever else is wrong."""

from __future__ import annotations

from doctor.derived.case import Case
from doctor.facts import Facts, Target
from doctor.findings import Finding
from doctor.rules.engine import evaluate
from doctor.rules.rule import Rule


def _rule(code: str, severity: str, decisive: bool = False) -> Rule:
    def check(rule: Rule, case: Case) -> list[Finding]:
        return [rule.finding("x", key="k")]

    return Rule(code, "some-name", severity, check, decisive=decisive)  # type: ignore[arg-type]


def primary(*rules: Rule) -> str:
    results = evaluate(Facts(Target("installed", "")), rules)
    (found,) = [f for r in results for f in r.findings if f.primary]
    return found.rule


def test_a_decisive_error_comes_first_and_a_decisive_warning_does_not() -> None:
    assert primary(_rule("IMP001", "error"), _rule("MEM001", "error", decisive=True)) == "MEM001"
    assert primary(_rule("IMP001", "error"), _rule("MEM001", "warning", decisive=True)) == "IMP001"
    assert primary(_rule("IMP001", "error"), _rule("MEM001", "error")) == "IMP001"
