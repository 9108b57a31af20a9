"""A vision tower of which nothing is known is said, in the picture and in JSON, and leaves the verdict open."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.derived.case import Case
from doctor.pipeline import judge
from doctor.report.memory import memory_lines, memory_to_json
from tests.memory.cases import QWEN3_VL_8B
from tests.memory.test_rules import facts

STRANGE: dict[str, Any] = {
    "architectures": ["NobodyKnowsForConditionalGeneration"], "model_type": "nobody_knows_vl",
    "text_config": {**QWEN3_VL_8B["text_config"], "model_type": "qwen3"},
    "vision_config": {"model_type": "nobody_knows_vision", "depth": 30, "hidden_size": 1152},
}  # fmt: skip


def test_it_is_said_and_left_open() -> None:
    here = facts("vllm serve /m --max-model-len 4096", STRANGE, card=80)
    data, lines = memory_to_json(Case(here)), "\n".join(memory_lines(Case(here)))
    assert data is not None and data["tower"] == "unknown" and data["per_gpu"]["verdict"] == "tight"  # type: ignore
    assert "vision tower     unknown" in lines and "= open: the size of the vision tower is not known" in lines
    assert any(r.status == "open" and r.code == "MEM001" for r in judge(here).results)


@pytest.mark.parametrize(("command", "wanted"), [("vllm serve /m", "known"), ("vllm serve /m -tp 2", "known")])
def test_a_known_one_is_known(command: str, wanted: str) -> None:
    data = memory_to_json(Case(facts(command, QWEN3_VL_8B, card=80, count=2)))
    assert data is not None and data["tower"] == wanted


def test_a_model_without_pictures_has_none() -> None:
    plain = {**QWEN3_VL_8B["text_config"], "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}
    data = memory_to_json(Case(facts("vllm serve /m", plain, card=80)))
    assert data is not None and data["tower"] == "none"
