"""Who shares what: attention, MLP and experts of one model on several GPUs, by each engine's own words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from doctor.facts import Distribution, Distributions, Facts, Gpu, Launch, Target, Unavailable
from doctor.facts.gpu import Device
from doctor.launch.memory_settings import settings
from doctor.launch.settings import Settings
from doctor.memory.fit import Fit, fit
from doctor.memory.footprint import Footprint
from tests.memory.cases import GIB, QWEN3_VL_8B, computed

MOE: dict[str, Any] = {
    "model_type": "qwen3_moe", "hidden_size": 4096, "num_hidden_layers": 94, "num_attention_heads": 64, "head_dim": 128,
    "num_key_value_heads": 4, "intermediate_size": 12288, "moe_intermediate_size": 1536, "num_experts": 128,
    "vocab_size": 151936, "max_position_embeddings": 40960, "tie_word_embeddings": False,
}  # fmt: skip
LATENT: dict[str, Any] = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
    "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
    "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
    "first_k_dense_replace": 3, "vocab_size": 129280, "max_position_embeddings": 163840,
}  # fmt: skip
SGLANG = "python -m sglang.launch_server --model-path m"
LMDEPLOY = "lmdeploy serve api_server m --backend pytorch"
TURBOMIND = "lmdeploy serve api_server m --backend turbomind"


def asked(command: str, release: str, gpus: int = 8) -> Settings:
    words = command.split()
    engine = next(e for e in ("sglang", "lmdeploy", "vllm") if e in command)
    cards = tuple(Device(i, "A card", (9, 0), 80 * GIB) for i in range(gpus))
    return settings(Facts(
        Target("declared", "a test", python="3.11"), launch=Launch(tuple(words), engine),
        distributions=Distributions((Distribution(engine, engine, release, "", "requirements.txt:1"),), complete=False),
        model=Unavailable("failed", "not found"), gpu=Gpu("declared", cards),
    ))  # fmt: skip


def judged(config: dict[str, Any], command: str, release: str, gpus: int = 8, gib: int = 141) -> Fit:
    return fit(model(config), gib * GIB, asked(command, release, gpus))


def model(config: dict[str, Any]) -> Footprint:
    found = computed(config, "m")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("command", "release", "wanted"),
    [
        (f"{SGLANG} --tp-size 8 --dp-size 4 --enable-dp-attention", "0.5.3", (8, 1, 2, 0, 0)),
        (f"{SGLANG} --tp-size 8 --enable-dp-attention", "0.4.4", (8, 1, 1, 0, 0)),
        (f"{SGLANG} --tp-size 8 --enable-dp-attention", "0.5.3", (8, 1, 0, 0, 0)),
        (f"{SGLANG} --tp-size 8 --attn-dp-size 8", "0.5.23", (8, 1, 1, 0, 0)),
        (f"{SGLANG} --tp-size 2 --dp-size 4", "0.5.23", (2, 4, 0, 0, 0)),
        (f"{SGLANG} --tp-size 8 --dp-size 8 --enable-dp-attention --moe-dense-tp-size 1", "0.5.3", (8, 1, 1, 1, 0)),
        (f"{LMDEPLOY} --tp 8 --dp 8", "0.12.0", (8, 1, 1, 0, 0)),
        (f"{LMDEPLOY} --tp 1 --dp 8 --ep 8", "0.12.0", (8, 1, 1, 1, 0)),
        (f"{LMDEPLOY} --tp 4 --dp 2", "0.18.0", (4, 1, 2, 0, 0)),
        (f"{LMDEPLOY} --tp 2 --dp 8 --ep 8", "0.9.2", (8, 1, 1, 2, 0)),
        (f"{LMDEPLOY} --tp 4", "0.9.2", (4, 1, 0, 0, 0)),
        (f"{TURBOMIND} --tp 4 --dp 2", "0.11.1", (4, 2, 0, 0, 0)),
        (f"{TURBOMIND} --tp 8 --dp 2", "0.11.1", (8, 1, 4, 0, 0)),
        (f"{TURBOMIND} --tp 8 --ep 8", "0.18.0", (8, 1, 0, 1, 0)),
    ],
)
def test_who_shares(command: str, release: str, wanted: tuple[int, ...]) -> None:
    found = asked(command, release)
    assert (found.tp, found.copies, found.attention, found.dense, found.experts) == wanted
    assert found.spread(4) == replace(found, tp=4, copies=1, attention=0, dense=0, experts=0, head=0)
    assert found.gpus <= 8


def test_attention_by_copies_keeps_all_heads() -> None:
    """Eight GPUs with four heads for keys and values each keep one; as eight copies each keeps four."""
    together = judged(MOE, f"{SGLANG} --tp-size 8", "0.5.3")
    apart = judged(MOE, f"{SGLANG} --tp-size 8 --dp-size 8 --enable-dp-attention", "0.5.3")
    assert apart.per_token == 4 * together.per_token
    assert apart.tokens[1] < together.tokens[0] / 3.5
    attention = 94 * 2 * 64 * 128 * 4096 * 2
    more = apart.language - together.language
    assert more == pytest.approx(attention * 7 / 8 + 94 * 2 * 4096 * 512 * 2 * 3 / 4 + 151936 * 4096 * 2 * 7 / 8, rel=0.02)


def test_latent_attention_by_copies_changes_weights_alone() -> None:
    together = judged(LATENT, f"{SGLANG} --tp-size 8", "0.5.9", gib=180)
    apart = judged(LATENT, f"{SGLANG} --tp-size 8 --dp-size 8 --enable-dp-attention", "0.5.9", gib=180)
    assert apart.per_token == together.per_token
    assert apart.language > together.language + 8 * GIB


def test_ends_are_whole_in_the_pytorch_engine() -> None:
    """LMDeploy's embedding and head stand undivided on each GPU; TurboMind's are divided."""
    ends = 2 * 151936 * 4096 * 2
    here, there = (judged(QWEN3_VL_8B, f"{c} --tp 4", "0.11.1", 4).language for c in (LMDEPLOY, TURBOMIND))
    assert here - there == pytest.approx(ends * 3 / 4, rel=0.01)


def test_experts_are_dealt_out_by_lmdeploy() -> None:
    """With a copy of attention on each GPU and the experts dealt out, as in its own recipe for large mixtures."""
    found = model(LATENT)
    apart = judged(LATENT, f"{LMDEPLOY} --tp 1 --dp 8 --ep 8", "0.12.0", gib=180)
    assert apart.language == pytest.approx(found.language - found.experts * 7 / 8, rel=0.01)
    assert apart.settings.gpus == 8


def test_vllm_deals_experts_out_over_all_copies() -> None:
    """`FusedMoEParallelConfig.make`: with and without whole experts they are shared by all; common ones may stay whole."""
    plain = judged(LATENT, "vllm serve m -tp 2 -dp 4", "0.33.0", gib=180)
    apart = judged(LATENT, "vllm serve m -tp 2 -dp 4 --enable-expert-parallel", "0.33.0", gib=180)
    found = model(LATENT)
    common = 58 * 3 * 7168 * 2048 * 2
    assert found.common == pytest.approx(common, rel=1e-6)
    assert apart.language - plain.language == pytest.approx(common / 2, rel=0.001)
    alone = judged(LATENT, "vllm serve m -tp 2", "0.33.0", gib=180)
    assert alone.language - plain.language == pytest.approx(found.experts / 2 * 3 / 4, rel=0.001)
    older = judged(LATENT, "vllm serve m -tp 2 -dp 4 --enable-expert-parallel", "0.10.2", gib=180)
    assert older.language == plain.language
