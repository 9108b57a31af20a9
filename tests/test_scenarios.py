"""Every file below tests/scenarios/CODE is a case: saved facts, and what the rules have to say about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from doctor.facts.codec import facts_from_json
from doctor.findings import Finding, Report
from doctor.pipeline import judge
from doctor.rules import RULES

FOLDER = Path(__file__).parent / "scenarios"
LONGEST = 240  # characters of a message: what a person reads at a glance; lists belong into the evidence
FILES = sorted(FOLDER.glob("*/*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_scenario(path: Path) -> None:
    case: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    case["facts"].setdefault("target", {"kind": "installed", "why": "scenario", "python": "3.10.12"})
    report = judge(facts_from_json(case["facts"]))
    assert not [r for r in report.results if r.status == "broken"]
    assert not [f"{f.rule}: {len(f.message)}" for f in report.findings if len(f.message) > LONGEST]
    assert "expect" in case or "status" in case, "the scenario expects nothing"
    for wanted in case.get("expect") or []:
        assert any(_is(finding, wanted) for finding in report.findings), f"{wanted} is not among {_shown(report)}"
    statuses = {r.code: r.status for r in report.results}
    for code, status in (case.get("status") or {}).items():
        assert statuses[code] == status, f"{code} is {statuses[code]}: {_shown(report)}"


def _is(finding: Finding, wanted: dict[str, Any]) -> bool:
    same = finding.rule == wanted["code"] and finding.severity == wanted.get("severity", finding.severity)
    return same and all(text in finding.message for text in wanted.get("contains", ()))


def _shown(report: Report) -> list[str]:
    return [f"{f.rule} {f.severity} {f.message}" for f in report.findings]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_every_rule_has_a_case_that_fires_and_one_that_does_not(rule: Any) -> None:
    kinds = {p.stem.split("-")[0] for p in (FOLDER / rule.code).glob("*.yaml")}
    assert {"fires", "quiet"} <= kinds, f"tests/scenarios/{rule.code} has {sorted(kinds)}"
