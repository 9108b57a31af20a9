"""A user's words in what is written: a secret by a variable's name, everything else untouched."""

from __future__ import annotations

import pytest

from doctor.probe.picture import named
from doctor.report.plan.compose import _name
from doctor.report.plan.masked import Masking, masked_words
from doctor.report.plan.recipe import Recipe

KEY = "sk-live-abcdef1234567890abcd"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"exec vllm serve m --api-key {KEY}", "exec vllm serve m --api-key <--api-key>"),
        ("vllm serve m --tokenizer-mode auto --api-key token", "vllm serve m --tokenizer-mode auto --api-key <--api-key>"),
        ("--max-model-len 8192 --api-key ${VLLM_KEY:?set a key}", "--max-model-len 8192 --api-key ${VLLM_KEY:?set a key}"),
    ],
)
def test_only_the_secret_word_is_replaced(text: str, wanted: str) -> None:
    assert masked_words(text, lambda option, _: f"<{option}>") == wanted


def test_names_of_secrets_are_no_secrets() -> None:
    assert Masking()({"secrets": ["hf"], "environment": {"HF_TOKEN": "hf_" + "a" * 34}})["secrets"] == ["hf"]


def test_a_project_without_a_name_keeps_its_folders() -> None:
    """Its named volumes go by that name: under another one they are new, and empty."""
    class Own:
        own = object()
        engine = "vllm"

    plan: Recipe = Own()  # type: ignore[assignment]
    assert _name(plan, {}) == {} and _name(plan, {"name": "mine"}) == {"name": "mine"}


def test_an_answer_that_lists_everything_has_seen_nothing() -> None:
    assert named("A blue circle on a white background.", "blue", "circle") == (True, True)
    assert named("red circle, blue square, green triangle, yellow star", "blue", "circle") == (False, False)
