"""Experts in MXFP4 are larger on the GPU than in the files: against what vLLM logged, and against its own sizes."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.facts.model import Quantization
from doctor.launch.settings import Settings
from doctor.memory.fit import fit
from doctor.memory.footprint import Footprint
from tests.memory.cases import GIB, QWEN3_VL_8B, computed

LEFT = ("model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head")
MXFP4 = Quantization("mxfp4", {"modules_to_not_convert": list(LEFT)}, ignored=LEFT)


def gpt_oss(layers: int, experts: int) -> Footprint:
    config: dict[str, Any] = {
        "model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": layers, "num_attention_heads": 64,
        "num_key_value_heads": 8, "intermediate_size": 2880, "vocab_size": 201088, "num_local_experts": experts,
        "max_position_embeddings": 131072, "tie_word_embeddings": False, "head_dim": 64, "attention_bias": True,
        "torch_dtype": "bfloat16", "sliding_window": 128,
        "layer_types": ["sliding_attention", "full_attention"] * (layers // 2),
    }  # fmt: skip
    found = computed(config, "gpt-oss", MXFP4)
    assert found is not None
    return found


def weights(found: Footprint, engine: str, capability: tuple[int, int] | None, tp: int = 1) -> int:
    return fit(found, 80 * GIB, Settings(engine, None, tp=tp), None, capability).weights


def test_what_servers_logged() -> None:
    """gpt-oss-20b on an A100 with vLLM 0.19.0, gpt-oss-120b on an H100 with vLLM 0.11.0, as their users published."""
    assert weights(gpt_oss(24, 32), "vllm", (8, 0)) / GIB == pytest.approx(13.72, rel=0.01)
    assert weights(gpt_oss(36, 128), "vllm", (9, 0)) / GIB == pytest.approx(64.38, rel=0.01)


def test_a_share_is_rounded_up_on_each_gpu() -> None:
    """Two GPUs have 1440 of 2880 inside, which become 1536: more than half of 2944."""
    found = gpt_oss(24, 32)
    alone = found.experts * (3072 * 2944 / 2880**2 - 1)
    shared = found.experts / 2 * (3072 * 1536 / (2880 * 1440) - 1)
    before = weights(found, "sglang", (8, 0)), weights(found, "sglang", (8, 0), 2)
    rotary = fit(found, 80 * GIB, Settings("vllm")).weights - before[0] - int(alone)
    assert weights(found, "vllm", (8, 0)) - before[0] == pytest.approx(alone + rotary, rel=1e-3)
    assert weights(found, "vllm", (8, 0), 2) - before[1] == pytest.approx(shared + rotary, rel=1e-3)


def test_others_are_as_in_their_files() -> None:
    plain = computed(QWEN3_VL_8B, "m")
    assert plain is not None and weights(plain, "vllm", (8, 0)) == weights(plain, "vllm", (9, 0))


def test_copies_share_their_experts_in_vllm() -> None:
    """Eight data-parallel copies hold an eighth of the experts each, and all of the rest; in SGLang each has its own."""
    found = gpt_oss(24, 32)
    assert found.experts > 0.7 * found.total
    for engine, part in (("vllm", 1 / 8), ("sglang", 1)):
        held = fit(found, 80 * GIB, Settings(engine, None, copies=8)).weights
        alone = fit(found, 80 * GIB, Settings(engine, None)).weights
        assert held == pytest.approx(alone - (1 - part) * (alone - found.total + found.experts), rel=0.01)
