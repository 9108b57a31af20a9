"""With the facts of the environment, a crash has the words and the ways out of the rule that would have told of it."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
import yaml

from doctor.explain import explain_log
from doctor.explain.catalog import stubs
from doctor.facts import Facts
from doctor.facts.codec import facts_from_json
from doctor.findings import Finding
from doctor.pipeline import judge
from doctor.rules import RULES

SCENARIOS = Path(__file__).parents[1] / "scenarios"


def _fires() -> list[tuple[str, Facts, Finding]]:
    """Every finding of a missing name or library in the scenarios of its rule, with the facts behind it."""
    out = []
    for code in ("IMP001", "LIB001"):
        for path in sorted((SCENARIOS / code).glob("fires-*.yaml")):
            saved = {"target": {"kind": "installed", "why": "scenario"}, **yaml.safe_load(path.read_text())["facts"]}
            facts = facts_from_json(saved)
            found = [f for f in judge(facts, (code,)).findings if f.severity != "note"]
            out += [(f"{code}-{path.stem}", facts, f) for f in found[:1]]
    return out


def _log(finding: Finding) -> str:
    """What Python or the loader would have said."""
    if finding.rule == "LIB001":
        return f"OSError: {finding.key}: cannot open shared object file: No such file or directory\n"
    module, _, name = finding.key.rpartition(".")
    return f"ImportError: cannot import name '{name}' from '{module}' (/v/lib/x/__init__.py)\n"


@pytest.mark.parametrize(("facts", "rule"), [pytest.param(f, r, id=i) for i, f, r in _fires()])
def test_one_wording_before_and_after(facts: Facts, rule: Finding) -> None:
    first = explain_log(io.BytesIO(_log(rule).encode()), facts=facts)[0]
    assert first.message == rule.message and first.follows_from == (rule.rule,)
    assert first.rule.startswith("RUN") and first.evidence[0].source == "line 1"
    assert first.remediations == rule.remediations or not rule.remediations


def test_another_name_is_another_failure() -> None:
    """The facts show one missing name, the log another: the rule says nothing of it."""
    cases = [(f, r) for i, f, r in _fires() if i.startswith("IMP001")]
    assert cases
    for facts, rule in cases:
        log = "ImportError: cannot import name 'SomethingElseAltogether' from 'transformers' (/v/x.py)\n"
        first = explain_log(io.BytesIO(log.encode()), facts=facts)[0]
        assert first.message != rule.message and first.follows_from == ()


def test_without_facts_the_log_alone_speaks() -> None:
    facts, rule = next((f, r) for i, f, r in _fires() if i.startswith("IMP001"))
    bare = dataclasses.replace(facts, modules=dataclasses.replace(facts.modules, verdicts={}))  # type: ignore[type-var]
    for known in (None, bare):
        first = explain_log(io.BytesIO(_log(rule).encode()), facts=known)[0]
        assert first.rule == "RUN101" and first.follows_from == ()


def test_every_linked_rule_exists() -> None:
    codes = {rule.code for rule in RULES}
    linked = {stub.code: stub.load().rules for stub in stubs()}
    assert any(linked.values())
    for code, rules in linked.items():
        assert set(rules) <= codes, code
