"""How sure findings on memory are: what is computed or guessed is never of high confidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.facts import Facts, Model, Observed
from doctor.facts.model import WeightFile, Weights
from doctor.findings import Finding
from doctor.pipeline import judge
from tests.memory.cases import GIB, QWEN3_VL_8B
from tests.memory.test_rules import facts, memory


def _first(here: Facts) -> Finding:
    return next(f for f in memory(judge(here)) if f.rule in ("MEM001", "MEM002"))


def _with_files(here: Facts, size: int) -> Facts:
    assert isinstance(here.model, Model)
    weights = Weights("safetensors", (WeightFile("model.safetensors", size, size),), size, declared=size)
    return replace(here, model=replace(here.model, weights=weights))


def _sure(finding: Finding) -> str:
    (row,) = [e for e in finding.evidence if e.fact == "how sure"]
    return f"{row.observed} {row.expected or ''}"


@pytest.mark.parametrize(("card", "rule"), [(8, "MEM001"), (24, "MEM002")])
def test_a_computed_size_is_never_of_high_confidence(card: int, rule: str) -> None:
    finding = _first(facts("vllm serve /m", QWEN3_VL_8B, card=card))
    assert finding.rule == rule and finding.severity == "error" and finding.confidence == "medium"
    assert "weights computed" in _sure(finding) and "--model DIR" in _sure(finding)


def test_files_that_are_larger_than_the_card_are_sure() -> None:
    here = _with_files(facts("vllm serve /m", QWEN3_VL_8B, card=8), 17_534_247_392)
    assert _first(here).confidence == "high" and "the sizes of the files" in _sure(_first(here))


def test_what_a_step_takes_beside_the_files_is_an_estimate() -> None:
    here = _with_files(facts("vllm serve /m", QWEN3_VL_8B, card=17), int(16.8 * GIB))
    assert _first(here).rule == "MEM001" and _first(here).confidence == "medium"
    assert "`qvl-doctor run -- COMMAND`" in _sure(_first(here))


def test_the_engines_own_figure_is_sure() -> None:
    here = replace(
        _with_files(facts("vllm serve /m", QWEN3_VL_8B, card=24), 17_534_247_392),
        observed=Observed(cache=3 * GIB, tokens=21_800, run="20261130T000000Z-1", at="2026-11-30"),
    )  # fmt: skip
    assert _first(here).rule == "MEM002" and _first(here).confidence == "high" and "earlier run" in _sure(_first(here))


def test_a_launch_that_had_no_room_is_refused() -> None:
    easy = facts("vllm serve /m --max-model-len 4096", QWEN3_VL_8B, card=24)
    assert not [f for f in memory(judge(easy)) if f.severity == "error"]
    finding = _first(replace(easy, observed=Observed(cache=-GIB, run="r", at="2026-11-30")))
    assert finding.severity == "error" and "no room for a KV cache logged here" in str(finding.evidence)


def test_a_guess_is_low_and_a_warning() -> None:
    config = {"architectures": ["NewForCausalLM"], "model_type": "of_next_year", "hidden_size": 8192, "num_hidden_layers": 80,
              "num_attention_heads": 64, "intermediate_size": 28672, "vocab_size": 128256}  # fmt: skip
    finding = _first(facts("vllm serve /m", config, card=24))
    assert finding.severity == "warning" and finding.confidence == "low" and "guessed" in _sure(finding)
