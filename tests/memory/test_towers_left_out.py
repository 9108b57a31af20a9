"""Launches that take no pictures: which releases then leave the tower out, and what is loaded without it."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts import Distribution, Distributions, Facts, Gpu, Launch, Model, Target
from doctor.facts.gpu import Device
from doctor.memory.fit import Fit
from tests.memory.cases import GEMMA3, GIB, QWEN3_VL_8B

NONE, NO_IMAGE = '{"image":0,"video":0}', '{"image":0}'
QWEN25: dict[str, Any] = {
    "model_type": "qwen2_5_vl", "vision_config": {"model_type": "qwen2_5_vl", "depth": 32, "hidden_size": 1280,
                                                  "intermediate_size": 3420, "out_hidden_size": 3584},
}  # fmt: skip
OMNI: dict[str, Any] = {"model_type": "qwen2_5_omni", "thinker_config": {
    "model_type": "qwen2_5_omni_thinker",
    "text_config": {"model_type": "qwen2_5_omni_text", "hidden_size": 3584, "num_hidden_layers": 28,
                    "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944,
                    "vocab_size": 152064, "max_position_embeddings": 32768},
    "vision_config": {"model_type": "qwen2_5_omni_vision_encoder", "depth": 32, "hidden_size": 1280,
                      "intermediate_size": 3420, "out_hidden_size": 3584},
    "audio_config": {"model_type": "qwen2_5_omni_audio_encoder", "d_model": 1280, "encoder_layers": 32,
                     "encoder_ffn_dim": 5120, "num_mel_bins": 128, "output_dim": 3584},
}}  # fmt: skip


def loaded(command: list[str], release: str, config: dict[str, Any], architecture: str) -> Fit:
    engine = next(e for e in ("vllm", "sglang", "lmdeploy") if any(e in word for word in command))
    named = Distribution(engine, engine, release, "", "requirements.txt:1")
    here = memory_verdict(Case(Facts(
        Target("declared", "a test", python="3.11"), launch=Launch(tuple(command), engine),
        distributions=Distributions((named,), complete=False),
        gpu=Gpu("declared", (Device(0, "NVIDIA H100", (9, 0), int(79.2 * GIB)),)),
        model=Model("/m", (architecture,), config["model_type"], config=config),
    )))  # fmt: skip
    assert isinstance(here, MemoryVerdict) and here.fit is not None
    return here.fit


def vllm(limit: str) -> list[str]:
    return ["vllm", "serve", "/m", "--max-model-len", "8192", "--limit-mm-per-prompt", limit]


@pytest.mark.parametrize(
    ("release", "config", "architecture", "limit", "there"),
    [
        ("0.33.0", QWEN3_VL_8B, "Qwen3VLForConditionalGeneration", NONE, False),
        ("0.33.0", QWEN3_VL_8B, "Qwen3VLForConditionalGeneration", NO_IMAGE, True),
        ("0.33.0", GEMMA3, "Gemma3ForConditionalGeneration", NO_IMAGE, False),
        ("0.13.0", GEMMA3, "Gemma3ForConditionalGeneration", NO_IMAGE, True),
        ("0.11.0", QWEN3_VL_8B, "Qwen3VLForConditionalGeneration", NONE, False),
        ("0.10.2", QWEN25, "Qwen2_5_VLForConditionalGeneration", NONE, False),
        ("0.9.2", QWEN25, "Qwen2_5_VLForConditionalGeneration", NONE, True),
        ("0.33.0", QWEN25, "Qwen2_5_VLForConditionalGeneration", '{"image":1,"video":0}', True),
    ],
)
def test_which_release_leaves_which_tower_out(
    release: str, config: dict[str, Any], architecture: str, limit: str, there: bool
) -> None:
    found = loaded(vllm(limit), release, config, architecture)
    assert bool(found.vision) == there
    seen = [what for what, _, most in found.overhead.reasons if what == "image processing" and most]
    assert bool(seen) == (there and limit != NONE)


def test_ears_stay_where_sounds_may_come() -> None:
    architecture = "Qwen2_5OmniModel"
    both = loaded(["vllm", "serve", "/m", "--max-model-len", "8192"], "0.33.0", OMNI, architecture)
    ears = loaded(vllm(NONE), "0.33.0", OMNI, architecture)
    none = loaded(vllm('{"image":0,"video":0,"audio":0}'), "0.33.0", OMNI, architecture)
    assert both.vision > ears.vision == int(both.footprint.hearing) > 0 == none.vision
    alone = loaded(["vllm", "serve", "/m", "--language-model-only"], "0.33.0", OMNI, architecture)
    assert alone.vision == 0


def test_sglang_takes_pictures_of_some_models_only_on_request() -> None:
    """Then nothing is taken off its share for them, and the tower is loaded all the same."""
    words = ["python", "-m", "sglang.launch_server", "--model-path", "/m", "--context-length", "8192"]
    plain = loaded(words, "0.5.3", GEMMA3, "Gemma3ForConditionalGeneration")
    seeing = loaded([*words, "--enable-multimodal"], "0.5.3", GEMMA3, "Gemma3ForConditionalGeneration")
    assert plain.vision == seeing.vision > 0 and plain.pool > seeing.pool
    other = loaded(words, "0.5.3", QWEN3_VL_8B, "Qwen3VLForConditionalGeneration")
    asked = loaded([*words, "--enable-multimodal"], "0.5.3", QWEN3_VL_8B, "Qwen3VLForConditionalGeneration")
    assert other.pool == asked.pool
