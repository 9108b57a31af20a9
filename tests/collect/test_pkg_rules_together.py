"""From real files to findings: the same bound in METADATA and in the import check is said once as a cause."""

from __future__ import annotations

from pathlib import Path

from env_factory import request, unpack, wheel

from doctor.collect.packages.distributions import read_distributions
from doctor.collect.python.target import find_target
from doctor.facts import Facts
from doctor.rules.engine import evaluate
from doctor.rules.pkg import PKG_RULES

CHECK = (
    "pkgs_to_check_at_runtime = ['tokenizers']\nfor p in pkgs_to_check_at_runtime:\n    require_version_core(deps[p])\n"
)


def test_requirement_follows_from_the_gate_and_gate_is_primary(tmp_path: Path) -> None:
    bound = "tokenizers>=0.14,<0.19"
    files = {
        "transformers/dependency_versions_check.py": CHECK,
        "transformers/dependency_versions_table.py": f"deps = {{'tokenizers': '{bound}'}}\n",
    }
    site = tmp_path / "site"
    unpack(wheel(tmp_path, "transformers", "4.38.2", files=files, requires=(bound,)), site)
    unpack(wheel(tmp_path, "tokenizers", "0.23.3"), site)
    target = find_target(request(paths=(str(site),), python_version="3.11.2", platform="linux-x86_64"))
    findings = [f for r in evaluate(Facts(target, read_distributions(target)), PKG_RULES) for f in r.findings]
    assert [(f.rule, f.primary, f.follows_from) for f in findings] == [
        ("PKG001", False, ("PKG006",)),
        ("PKG006", True, ()),
    ]
    gate = findings[1]
    assert gate.location is not None and gate.location.line == 3
    action = gate.remediations[0].actions[0]
    assert (action.package, action.direction) == ("tokenizers", "downgrade")


def test_every_rule_explains_itself() -> None:
    for number, rule in enumerate(PKG_RULES, 1):
        assert rule.code == f"PKG{number:03}"
        assert "What to do:" in rule.explanation and len(rule.explanation) > 300
