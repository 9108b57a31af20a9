"""Which finding is the first one where the launch's own imports stop, and what is proposed for it."""

from __future__ import annotations

from pathlib import Path

import yaml

from doctor.facts import Cause, Distribution, Distributions, Facts, Gate, Modules, ModuleStatus, Target
from doctor.facts.codec import facts_from_json
from doctor.findings import Report
from doctor.pipeline import judge

SCENARIOS = Path(__file__).parents[1] / "scenarios"
TARGET = Target(kind="installed", why="a test", python="3.11.7", platform="linux-x86_64")


def dist(name: str, version: str, *requires: str) -> Distribution:
    top = (name.replace("-", "_"),)
    return Distribution(name, name, version, "/v/lib", f"/v/lib/{name}.dist-info", requires=requires, top_level=top)


def stopped(*causes: tuple[str, Cause], installed: tuple[Distribution, ...], gates: tuple[Gate, ...] = ()) -> Report:
    entries = tuple(name for name, _ in causes)
    modules = Modules(("lmdeploy",), {n: ModuleStatus("fail", c) for n, c in causes}, entries)
    return judge(Facts(TARGET, Distributions(installed, gates=gates), modules))


def primary(report: Report) -> str:
    return next(f"{f.rule}:{f.key}" for f in report.findings if f.primary)


def test_what_the_imports_meet_first_comes_before_a_gate_that_they_do_not_reach() -> None:
    gate = Gate("transformers", "huggingface-hub>=1.3.0,<2.0", "transformers/dependency_versions_check.py", 56)
    cause = Cause("missing-module", "httpx", file="transformers/utils/hub.py", line=28, error="ModuleNotFoundError")
    installed = (dist("lmdeploy", "0.18.0", "transformers"), dist("transformers", "5.0.0"),
                 dist("huggingface-hub", "2.4.0"))  # fmt: skip
    report = stopped(("lmdeploy.cli.entrypoint", cause), installed=installed, gates=(gate,))
    assert primary(report) == "IMP002:httpx"
    assert any(f.rule == "PKG006" and f.severity == "error" for f in report.findings)


def test_the_gate_that_stops_the_import_is_first() -> None:
    said = "tokenizers>=0.19,<0.20 is required for a normal functioning of this module, but found tokenizers==0.23.3."
    gates = (Gate("transformers", "tokenizers>=0.19,<0.20", "transformers/dependency_versions_check.py", 56),)
    cause = Cause("error", "transformers", file="transformers/utils/versions.py", line=44, text=said)
    installed = (dist("lmdeploy", "0.18.0", "transformers>=5"), dist("transformers", "4.40.0"),
                 dist("tokenizers", "0.23.3"))  # fmt: skip
    report = stopped(("lmdeploy.cli.entrypoint", cause), installed=installed, gates=gates)
    assert primary(report) == "PKG006:transformers:tokenizers"


def test_the_first_entry_that_fails_decides_between_two_rules() -> None:
    later = Cause("missing-name", "transformers", "AutoX", file="lmdeploy/vl/a.py", line=1)
    first = Cause("missing-module", "fire", file="lmdeploy/cli/a.py", line=1, error="ModuleNotFoundError")
    installed = (dist("lmdeploy", "0.18.0"), dist("transformers", "5.0.0"))
    report = stopped(("lmdeploy.cli.entrypoint", first), ("lmdeploy.vl.engine", later), installed=installed)
    assert primary(report) == "IMP002:fire"


def test_no_package_is_named_for_a_module_of_unknown_origin() -> None:
    for module in ("tvm", "cutlass", "__main__", "utils", "src"):
        cause = Cause("missing-module", module, file="lmdeploy/a.py", line=1, error="ModuleNotFoundError")
        report = stopped(("lmdeploy.cli.entrypoint", cause), installed=(dist("lmdeploy", "0.18.0"),))
        found = next(f for f in report.findings if f.rule == "IMP002")
        assert [a.kind for r in found.remediations for a in r.actions] == ["manual"]


def test_a_module_with_another_name_is_installed_by_its_distribution_in_the_required_range() -> None:
    cause = Cause("missing-module", "PIL.Image", file="lmdeploy/a.py", line=1, error="ModuleNotFoundError")
    report = stopped(("lmdeploy.cli.entrypoint", cause), installed=(dist("lmdeploy", "0.18.0", "pillow>=9"),))
    found = next(f for f in report.findings if f.rule == "IMP002")
    action = found.remediations[0].actions[0]
    assert (action.package, action.specifier) == ("pillow", ">=9")


def test_a_clash_never_uninstalls_what_something_requires() -> None:
    for path in sorted((SCENARIOS / "PKG004").glob("fires-*.yaml")):
        facts = facts_from_json(yaml.safe_load(path.read_text(encoding="utf-8"))["facts"])
        required = {line for d in facts.distributions.installed for line in d.requires}  # type: ignore[union-attr]
        for finding in judge(facts).findings:
            actions = [a for r in finding.remediations for a in r.actions if a.kind == "uninstall"]
            assert not required & {a.package for a in actions}


def test_a_half_installed_distribution_is_first_and_the_way_out_is_the_same_release_again() -> None:
    path = SCENARIOS / "PKG005" / "fires-half-installed.yaml"
    report = judge(facts_from_json(yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]))
    assert primary(report) == "PKG005:transformers"
    imported = next(f for f in report.findings if f.rule == "IMP002")
    assert imported.follows_from == ("PKG005",) and not imported.remediations
    action = report.findings[0].remediations[0].actions[0]
    assert (action.package, action.specifier, action.direction) == ("transformers", "==5.24.0", "reinstall")
