"""Every fix that a report prints was tried on paper: it leaves no error, or says which ones, and makes no new ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from doctor.facts import Distribution, Distributions, Facts, Gate, Launch, Target
from doctor.facts.codec import facts_from_json
from doctor.findings import Action, Finding, Remediation, Report
from doctor.pipeline import answered, judge
from doctor.pipeline.remedies import merged
from doctor.plan.outcome import foreseen, left_errors, new_errors, touched_by

SCENARIOS = Path(__file__).parents[1] / "scenarios"
FOLDERS = ("PKG001", "PKG004", "PKG005", "PKG006", "IMP001", "IMP002", "IMP004", "ENG001", "ENG003", "ENG006", "CMD002")
FILES = sorted(p for code in FOLDERS for p in (SCENARIOS / code).glob("fires-*.yaml"))
TARGET = Target(kind="installed", why="a test", python="3.11.7", platform="linux-x86_64")


def dist(name: str, version: str, *requires: str) -> Distribution:
    return Distribution(name, name, version, "/v/lib", f"/v/lib/{name}.dist-info", requires=requires)


def gated(version: str) -> Report:
    """An engine that wants a newer transformers than the one whose gate the installed tokenizers does not pass."""
    installed = (dist("vllm", "0.33.0", "transformers<5.21.0,>=5.16.1", "tokenizers>=0.23"),
                 dist("transformers", "4.57.3"), dist("tokenizers", version))  # fmt: skip
    gate = Gate("transformers", "tokenizers>=0.22.0,<=0.23.0", "transformers/dependency_versions_check.py", 56)
    return judge(Facts(TARGET, Distributions(installed, gates=(gate,))))


def leaves(report: Report, way: Remediation) -> set[str] | None:
    """The codes of the errors that all rules find once the fix is carried out; None where that cannot be foreseen."""
    facts = foreseen(report.facts, way.actions)
    if facts is None:
        return None
    after, touched = judge(facts), touched_by(report.facts, facts, way.actions)
    return {f.rule for f in (*left_errors(report, after, touched), *new_errors(report, after, touched))}


def actions(report: Report, rule: str) -> list[tuple[str | None, str]]:
    found = next(f for f in report.findings if f.rule == rule)
    return [(a.package, r.text) for r in found.remediations for a in r.actions]


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_printed_fix_leaves_no_error_or_says_which(path: Path) -> None:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]
    data.setdefault("target", {"kind": "installed", "why": "scenario", "python": "3.10.12"})
    report = answered(judge(facts_from_json(data)))
    for finding in (f for f in report.findings if f.severity == "error"):
        for way in finding.remediations:
            silent = [code for code in leaves(report, way) or () if code not in way.text]
            assert not silent, f"{finding.rule}: `{way.text}` leaves {silent}"


def test_a_fix_that_makes_another_error_gives_way_to_one_that_does_not() -> None:
    before = gated("0.23.3")
    assert actions(before, "PKG006") == [("tokenizers", "downgrade tokenizers to <=0.23.0,>=0.22.0")]
    after = answered(before)
    assert [package for package, _ in actions(after, "PKG006")] == ["transformers"]
    assert after.way_out is not None
    assert [a.package for a in after.way_out.actions] == ["transformers"]


def finding(rule: str, *asked: tuple[str, str]) -> Finding:
    steps = tuple(Action("install", package=p, specifier=s, direction="install") for p, s in asked)
    return Finding(rule, "x", "error", "m", remediations=(Remediation("t", steps, "unsafe"),), key=rule)


def test_ranges_of_several_findings_are_intersected() -> None:
    way = merged([finding("PKG001", ("pillow", ">=9")), finding("IMP002", ("pillow", "<12"), ("httpx", ""))])
    assert way is not None
    assert [(a.package, a.specifier) for a in way.actions] == [("pillow", "<12,>=9"), ("httpx", None)]


def test_each_step_is_said_as_seen_from_what_is_there() -> None:
    have = Distributions((dist("pillow", "12.0"), dist("httpx", "0.28"), dist("triton", "3.1.0")))
    steps = [finding("A", ("pillow", "<12")), finding("B", ("httpx", ">=0.29"), ("triton", "==3.1.0"))]
    way = merged(steps, have)
    assert way is not None
    assert way.title == "downgrade pillow to <12; upgrade httpx to >=0.29; install triton==3.1.0"


def test_what_excludes_itself_is_not_merged() -> None:
    assert merged([finding("A", ("transformers", "<4.40")), finding("B", ("transformers", ">=4.50"))]) is None


def test_one_error_has_no_common_way_out() -> None:
    report = answered(judge(Facts(TARGET, Distributions((dist("lmdeploy", "0.18.0", "fire"),)))))
    assert report.count("error") == 1
    assert report.way_out is None


def test_a_changed_option_is_tried_too() -> None:
    launch = Launch(argv=("vllm", "serve", "m", "--dtype", "float17"), program="vllm", engine="vllm",
                    subcommand=("serve",), arguments=("m", "--dtype", "float17"))  # fmt: skip
    facts = Facts(TARGET, Distributions((dist("vllm", "0.11.0"),)), launch=launch)
    now = foreseen(facts, (Action("set_argument", name="--dtype", value="half"),))
    assert now is not None
    assert isinstance(now.launch, Launch)
    assert now.launch.arguments == ("m", "--dtype", "half")
    assert (
        foreseen(replace(facts, launch=facts.trials), (Action("set_argument", name="--dtype", value="half"),)) is None
    )  # type: ignore[arg-type]


def test_a_half_installed_distribution_is_installed_again_by_the_plan() -> None:
    from doctor.pipeline.fix import plan_facts
    from doctor.plan.freedom import Freedom

    path = SCENARIOS / "PKG005" / "fires-half-installed.yaml"
    facts = facts_from_json(yaml.safe_load(path.read_text(encoding="utf-8"))["facts"])
    plan = plan_facts(facts, Freedom(), offline=True).plan
    assert ("transformers", "==5.24.0", "reinstall") in [
        (s.action.package, s.action.specifier, s.action.direction) for s in plan.steps
    ]
    assert not plan.remains
    assert any("--reinstall-package transformers" in line for line in plan.commands)


def test_a_helper_is_needed_only_while_the_release_imports_it() -> None:
    from doctor.derived.packages.helpers import imports_helper

    assert imports_helper("lmdeploy", "0.15.0", "qwen-vl-utils") is True
    assert imports_helper("lmdeploy", "0.18.0", "qwen-vl-utils") is False
    assert imports_helper("vllm", "0.11.0", "qwen-vl-utils") is None


def test_most_printed_fixes_leave_no_error() -> None:
    """The figure of `benchmarks/remedies.py`, on a sample."""
    counted = {True: 0, False: 0}
    for path in FILES[::2]:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]
        data.setdefault("target", {"kind": "installed", "why": "scenario", "python": "3.10.12"})
        report = answered(judge(facts_from_json(data)))
        ways = [w for f in report.findings if f.severity == "error" for w in f.remediations]
        for left in (found for w in ways if (found := leaves(report, w)) is not None):
            counted[not left] += 1
    assert counted[True] >= 0.9 * sum(counted.values()) > 12, counted


def test_a_fix_is_completed_with_what_it_leads_to() -> None:
    path = SCENARIOS / "ENG005" / "fires-remote-code.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))["facts"]
    data.setdefault("target", {"kind": "installed", "why": "scenario", "python": "3.10.12"})
    report = answered(judge(facts_from_json(data)))
    missing = [f for f in report.findings if f.rule == "ENG005"]
    assert len(missing) > 1
    for one in missing:
        assert {"transformers-stream-generator", "matplotlib"} <= {a.package for a in one.remediations[0].actions}


def test_an_installer_takes_a_release_for_this_python_and_moves_what_it_requires() -> None:
    installed = (dist("vllm", "0.10.2"), dist("torch", "2.8.0"), dist("transformers", "4.56.2"))
    facts = Facts(replace(TARGET, python="3.10.12"), Distributions(installed))
    now = foreseen(facts, (Action("install", package="vllm", specifier=">=0.11.0"),))
    assert now is not None
    assert isinstance(now.distributions, Distributions)
    engine = now.distributions.get("vllm")
    assert engine is not None
    assert "3.10" in SpecifierSet(engine.requires_python or ""), "the newest releases take no Python 3.10"
    torch = (now.distributions.version("torch") or "").partition("+")[0]
    assert any(line.startswith(f"torch=={torch}") for line in engine.requires), (engine.requires, torch)
