"""`check`, `fix --plan`, the check before `run` and `explain` know the same: no two answers contradict each other."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from doctor.explain import explain_log
from doctor.facts import Facts, Model
from doctor.facts.codec import facts_from_json, to_json
from doctor.findings import Action, Finding, Report
from doctor.findings.proposal import Proposal
from doctor.matrix.engines import serving_engines
from doctor.pipeline import before_start, diagnosis, judge
from doctor.pipeline.fix import plan_facts
from doctor.plan.freedom import Freedom
from tests.same_knowledge import HEALTHY, RTX3090, STORIES, Story

NAMES = [s.name for s in STORIES]


@pytest.fixture(scope="module", params=STORIES, ids=NAMES)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Story, Facts, Proposal]:
    story: Story = request.param
    facts = story.facts(tmp_path_factory.mktemp("story"))
    return story, facts, plan_facts(facts, Freedom(), offline=True)


def errors(report: Report) -> list[Finding]:
    return [f for f in report.findings if f.severity == "error"]


def first_actions(finding: Finding, kind: str) -> tuple[Action, ...]:
    """What the first way out does, where it does nothing else."""
    way = next(iter(finding.remediations), None)
    return way.actions if way and way.actions and all(a.kind == kind for a in way.actions) else ()


def test_check_says_the_error_and_run_does_not_start(
    told: tuple[Story, Facts, Proposal], monkeypatch: pytest.MonkeyPatch
) -> None:
    story, facts, proposal = told
    assert story.code in {f.rule for f in errors(proposal.before)}
    assert not [r for r in proposal.before.results if r.status == "broken"]
    monkeypatch.setattr(diagnosis, "collect", lambda _: facts)
    verdict = before_start.checked(("anything",))
    assert verdict.trouble is None
    assert sorted(e.split()[0] for e in verdict.errors) == sorted(f.rule for f in errors(proposal.before))


def test_the_plan_answers_the_error(told: tuple[Story, Facts, Proposal]) -> None:
    story, _, proposal = told
    plan = proposal.plan
    assert not proposal.idle and plan.undecided is None
    if plan.conflict is not None:
        assert story.code in plan.remains and not plan.steps
        return
    assert plan.steps and story.code in plan.resolves and not plan.remains
    for name, spec in story.pins:
        assert plan.pins[name] in SpecifierSet(spec), f"{name} {plan.pins[name]}"
    assert story.start in " ".join(plan.launch)
    assert proposal.after is not None and story.code not in {f.rule for f in errors(proposal.after)}


def test_the_ranges_of_check_hold_the_pins_of_the_plan(told: tuple[Story, Facts, Proposal]) -> None:
    _, _, proposal = told
    for finding in errors(proposal.before):
        assert_pins_fit(proposal, finding)


def assert_pins_fit(proposal: Proposal, finding: Finding) -> None:
    """Ranges for a library hold while the engine stays: another release of it has needs of its own."""
    plan = proposal.plan
    moved = any(engine in plan.changes and engine in proposal.needed for engine in serving_engines())
    for action in first_actions(finding, "install"):
        name = action.package or ""
        if action.specifier and name in plan.pins and (name in serving_engines() or not moved):
            assert plan.pins[name] in SpecifierSet(action.specifier), f"{finding.rule}: {name}{action.specifier}"


def test_explain_names_the_cause_that_check_names(told: tuple[Story, Facts, Proposal]) -> None:
    story, facts, proposal = told
    first = explain_log(io.BytesIO(story.log.encode()), facts=facts)[0]
    said = {f.rule: f for f in errors(proposal.before)}
    assert set(first.follows_from) <= set(said)
    for code in first.follows_from:
        assert first.message in {f.message for f in errors(proposal.before) if f.rule == code}
        assert {r.title for r in first.remediations} == {r.title for r in said[code].remediations}
    assert_pins_fit(proposal, first)
    for action in first_actions(first, "set_argument"):
        assert action in [a for f in said.values() for r in f.remediations for a in r.actions]


def test_a_log_alone_contradicts_nobody(told: tuple[Story, Facts, Proposal]) -> None:
    """Without facts, `explain` may know less, and offers no other release of what the plan keeps."""
    story, _, proposal = told
    first = explain_log(io.BytesIO(story.log.encode()))[0]
    assert_pins_fit(proposal, first)
    ways = [r.actions for r in first.remediations]
    kept = [all(a.kind == "install" and a.package not in proposal.plan.changes for a in way) for way in ways]
    assert proposal.plan.conflict or not (ways and all(kept)), [r.title for r in first.remediations]


def test_a_name_is_a_fact_of_lower_confidence(told: tuple[Story, Facts, Proposal]) -> None:
    story, facts, proposal = told
    assert isinstance(facts.model, Model)
    known = not story.config
    assert (facts.model.source == "known") == known and bool(facts.model.origin) == known
    rests = [f for f in proposal.before.findings if any("matrices/members" in (e.source or "") for e in f.evidence)]
    assert all(f.confidence != "high" for f in rests)
    assert bool(rests) == (known and story.code not in ("ENG005", "CMD011", "CMD001"))


def test_facts_of_a_name_are_replayed(told: tuple[Story, Facts, Proposal]) -> None:
    _, facts, proposal = told
    again = facts_from_json(json.loads(json.dumps(to_json(facts))))
    assert again == facts and judge(again).results == proposal.before.results


@pytest.mark.parametrize(("requirements", "launch"), HEALTHY)
def test_what_works_is_an_error_to_nobody(
    requirements: str, launch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Story("", requirements, launch, "", "", gpu=RTX3090).facts(tmp_path)
    proposal = plan_facts(facts, Freedom(), offline=True)
    assert not errors(proposal.before), [f.message for f in errors(proposal.before)]
    assert not proposal.plan.conflict and not {"vllm", "lmdeploy", "sglang"} & {
        s.action.package for s in proposal.plan.steps if s.resolves
    }
    monkeypatch.setattr(diagnosis, "collect", lambda _: facts)
    assert not before_start.checked(("anything",)).errors


def test_a_log_says_that_the_module_of_the_command_is_wrong() -> None:
    log = b"/usr/bin/python3: No module named lmdeploy.serve.api_server\n"
    first = explain_log(io.BytesIO(log))[0]
    assert "no published release has it" in first.message
    assert first.remediations[0].title == "start it with `lmdeploy serve api_server`"
    assert not any(a.kind == "install" for r in first.remediations for a in r.actions)


FAMILIES = (
    ("vllm==0.10.1 transformers==4.57.1", "vllm serve someone/Qwen3-VL-8B-tuned-AWQ --quantization awq", "ENG003"),
    (
        "vllm==0.10.1 transformers==4.57.1",
        "vllm serve someone/Qwen3-VL-30B-A3B-tuned --max-model-len 9000000",
        "ENG003",
    ),
    ("lmdeploy==0.11.1 transformers==4.52.4", "lmdeploy serve api_server Qwen/Qwen-VL", "ENG011"),
    ("vllm==0.11.0 transformers==4.57.1", "vllm serve OpenGVLab/InternVL2-26B", "MDL007"),
)


@pytest.mark.parametrize(("requirements", "launch", "code"), FAMILIES)
def test_a_name_of_a_family_alone_is_known_to_check_as_to_fix(
    requirements: str, launch: str, code: str, tmp_path: Path
) -> None:
    proposal = plan_facts(Story("", requirements, launch, code, "").facts(tmp_path), Freedom(), offline=True)
    assert [(f.rule, f.confidence) for f in errors(proposal.before)] == [(code, "low")]
    assert code in proposal.plan.resolves and not proposal.plan.remains
    status = {r.code: r.status for r in proposal.before.results}
    assert {status[c] for c in ("MDL001", "MDL004", "MEM001")} == {"open"}


@pytest.mark.parametrize("name", ["someone/Qwen2.5-VL-7B-Instruct-GGUF", "llava-hf/llava-v1.6-mistral-7b-hf", "./x/y"])
def test_a_name_that_says_too_little_is_unknown(name: str, tmp_path: Path) -> None:
    facts = Story("", "vllm==0.11.0", f"vllm serve {name}", "", "").facts(tmp_path)
    assert not isinstance(facts.model, Model)
