"""Weights and KV cache against known truth, and every layout of a configuration."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from doctor.facts.model import Model, Quantization, QuantizationGroup, WeightFile, Weights
from doctor.launch.settings import Settings
from doctor.memory.attention import attention
from doctor.memory.cache import cache, number
from doctor.memory.fit import fit, floor
from doctor.memory.footprint import Footprint, footprint
from doctor.memory.ignored import Ignored
from doctor.memory.layout import layout
from doctor.memory.pieces import Piece
from tests.memory.cases import (
    DEEPSEEK,
    FP8_BLOCK,
    FP8_CHANNEL,
    GEMMA3,
    GIB,
    GPTQ,
    QWEN3_5,
    QWEN3_VL_8B,
    QWEN3_VL_32B,
    QWEN_VL_INT4,
    computed,
)  # fmt: skip


def sized(config: dict[str, Any], quantization: Quantization | None = None) -> Footprint:
    found = computed(config, "m", quantization)
    assert found is not None
    return found


def test_qwen_vl_chat_int4_to_the_byte() -> None:
    """The index of Qwen/Qwen-VL-Chat-Int4 states 9,731,786,240."""
    found = sized(QWEN_VL_INT4, GPTQ)
    assert found.total == 9_731_786_240
    assert found.vision / GIB == pytest.approx(3.61, abs=0.01)


def test_qwen3_vl_8b_in_fp8() -> None:
    """A published FP8 checkpoint of it has 9.87 GiB on disk."""
    assert sized(QWEN3_VL_8B, FP8_CHANNEL).total / GIB == pytest.approx(9.87, rel=0.01)


def test_9_gib_never_fit_on_8() -> None:
    for engine, backend in (("lmdeploy", "turbomind"), ("lmdeploy", "pytorch"), ("vllm", "default"), ("sglang", "default"), ("", "default")):
        for kv in ("auto", "8", "4", "fp8"):
            asked = Settings(engine, None, backend, context=256, requests=1, batch=256, kv=kv, eager=True)
            assert fit(sized(QWEN_VL_INT4, GPTQ), 8 * GIB, asked).verdict == "never"


def test_32b_on_two_cards_with_an_fp8_cache() -> None:
    """9.20 GiB of cache hold about 150,700 tokens."""
    shape = sized(QWEN3_VL_32B).shape
    assert shape is not None
    kept = cache(shape, 2, 1, number("fp8", 2, "vllm"))
    assert kept.token == 64 * 1024
    assert kept.tokens_in(9.20 * GIB) == pytest.approx(150_700, abs=50)


def test_fp8_weights_leave_4_gib_on_two_24_gib_cards() -> None:
    found = sized(QWEN3_VL_32B, FP8_BLOCK)
    assert found.per_gpu(2).total / GIB == pytest.approx(16.54, abs=0.02)
    for share in (0.9, 0.95):
        asked = Settings("vllm", "0.11.0", tp=2, kv="fp8", share=share, context=131072, requests=8, batch=8192)
        result = fit(found, 24 * GIB, asked)
        assert result.cache[0] / GIB < 4 < result.cache[1] / GIB
        assert result.tokens[0] < 65_536 < result.tokens[1]
        assert result.verdict == "refused"


def test_the_cache_of_each_policy_of_lmdeploy() -> None:
    shape = sized(QWEN3_VL_8B).shape
    assert shape is not None
    plain, eight, four = (cache(shape, 1, 1, number(kind, 2, "lmdeploy")).token for kind in ("0", "8", "4"))
    heads = 36 * 8 * 2
    assert (plain, eight, four) == (heads * 128 * 2, heads * (128 + 4), heads * (64 + 4))


def test_heads_are_replicated_beyond_their_number() -> None:
    shape = sized(QWEN3_VL_8B).shape
    assert shape is not None
    each = [cache(shape, tp, 1, (2, 0)).token for tp in (1, 2, 4, 8, 16, 32)]
    assert each == [each[0], each[0] / 2, each[0] / 4, each[0] / 8, each[0] / 8, each[0] / 8]


def test_latent_attention_is_not_divided() -> None:
    shape = sized(DEEPSEEK).shape
    assert shape is not None and shape.latent == 512 + 64
    assert cache(shape, 1, 1, (2, 0)).token == cache(shape, 8, 1, (2, 0)).token == 32 * 576 * 2


def test_windows_and_states_keep_long_requests_small() -> None:
    shape = sized(GEMMA3).shape
    assert shape is not None and (shape.full, shape.sliding, shape.window) == (5, 29, 1024)
    narrow, wide = cache(shape, 1, 1, (2, 0), windows=True), cache(shape, 1, 1, (2, 0))
    assert narrow.holds(100_000) < wide.holds(100_000) / 4 and narrow.holds(500) == wide.holds(500)
    assert narrow.tokens_in(narrow.holds(5000)) == 5000 and narrow.tokens_in(narrow.holds(900)) == 900
    mixed = sized(QWEN3_5).shape
    assert mixed is not None and (mixed.full, mixed.linear) == (8, 24)
    kept = cache(mixed, 1, 1, (2, 0))
    assert kept.token == 8 * 2 * 4 * 256 * 2 and kept.state > 0


@pytest.mark.parametrize("key", ["text_config", "llm_config", None])
def test_every_layout_means_the_same(key: str | None) -> None:
    inner = {"hidden_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 16, "num_key_value_heads": 4,
             "intermediate_size": 2048, "vocab_size": 1000, "model_type": "qwen2", "torch_dtype": "bfloat16"}  # fmt: skip
    config = inner if key is None else {"model_type": "something_new", key: inner}
    found = layout(config)
    assert found is not None
    shape = attention(found)
    assert shape is not None and (shape.layers, shape.kv_heads, shape.head_dim, shape.full) == (4, 4, 64, 4)


def test_real_bytes_go_before_computed_ones() -> None:
    weights = Weights("safetensors", (WeightFile("a", 6 * GIB), WeightFile("b", 4 * GIB)), 10 * GIB,
                      by_part={"visual": 2 * GIB, "model.layers": 7 * GIB, "lm_head": GIB})  # fmt: skip
    found = footprint(Model("/m", config=QWEN3_VL_8B, weights=weights))
    assert found is not None and found.exact
    assert found.total == pytest.approx(10 * GIB, abs=4) and found.vision == 2 * GIB
    strange = footprint(Model("/m", config={"model_type": "unheard_of"}, weights=weights))
    assert strange is not None and strange.shape is None and strange.total == 10 * GIB
    assert footprint(Model("/m", config={"model_type": "unheard_of"})) is None


def test_incomplete_weights_count_as_declared() -> None:
    weights = Weights("safetensors", (WeightFile("a", 6 * GIB),), 6 * GIB, declared=17 * GIB, missing=("b",))
    found = footprint(Model("/m", config=QWEN3_VL_8B, weights=weights))
    assert found is not None and found.total == pytest.approx(17 * GIB, abs=4)


def test_what_the_engine_makes_while_loading() -> None:
    plain = sized(QWEN3_VL_8B)
    model = Model("/m", config=QWEN3_VL_8B)
    online = footprint(model, quantization="fp8")
    wide = footprint(model, dtype="float32")
    assert online is not None and wide is not None
    assert plain.total * 0.5 < online.total < plain.total * 0.65 and online.vision == plain.vision
    assert wide.total == pytest.approx(2 * plain.total, abs=4)
    stored = footprint(replace(model, quantization=FP8_BLOCK), quantization="fp8")
    assert stored is not None and stored.total == sized(QWEN3_VL_8B, FP8_BLOCK).total


@pytest.mark.parametrize(
    ("ignored", "name", "left"),
    [
        (["lm_head"], "lm_head", 1),
        (["visual"], "visual.blocks.{}.attn.qkv", 4),
        (["visual"], "layers.{}.mlp.up_proj", 0),
        (["model.visual.blocks.0.attn.qkv", "model.visual.blocks.3.attn.qkv"], "visual.blocks.{}.attn.qkv", 2),
        (["model.language_model.layers.1.mlp.down_proj"], "layers.{}.mlp.down_proj", 1),
        (["model.layers.1.mlp"], "layers.{}.mlp.down_proj", 1),
        (["re:.*mlp.gate$"], "layers.{}.mlp.gate", 4),
        (["re:.*mlp.gate$"], "layers.{}.mlp.gate_proj", 0),
        (["re:model[.]language_model[.]layers[.][01][.].*"], "layers.{}.self_attn.q_proj", 2),
        (["re:(a+)+$", "re:("], "layers.{}.self_attn.q_proj", 0),
    ],
)
def test_modules_that_were_left_alone(ignored: list[str], name: str, left: int) -> None:
    part = "vision" if name.startswith("visual") else "head" if name == "lm_head" else "layers"
    piece = Piece(name, part, 64 * 64, 64, times=1 if name == "lm_head" else 4)  # type: ignore[arg-type]
    assert Ignored(ignored).of(piece) == left


def test_a_quantised_head_and_a_group_of_a_whole_column() -> None:
    plain = sized(QWEN3_VL_8B, Quantization("gptq", {"bits": 4, "group_size": 128, "sym": True}))
    head = sized(QWEN3_VL_8B, Quantization("gptq", {"bits": 4, "group_size": 128, "sym": True, "lm_head": True}))
    assert plain.head - head.head > 0.7 * plain.head
    column = Quantization("compressed-tensors", {}, (QuantizationGroup(4, "int", -1, True, "channel"),), ("lm_head", "re:.*visual.*"))
    group = Quantization("compressed-tensors", {}, (QuantizationGroup(4, "int", 32, False, "group"),), ("lm_head", "re:.*visual.*"))
    assert sized(QWEN3_VL_8B, column).total < sized(QWEN3_VL_8B, group).total


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "qwen2_vl", "hidden_size": float("nan")}, {"model_type": "qwen2_vl", "num_hidden_layers": -3},
        {"model_type": "qwen2_vl", "num_hidden_layers": 10**30}, {"model_type": "qwen2_vl", "num_attention_heads": 0},
        {"model_type": "qwen2_vl", "vision_config": []}, {"model_type": "qwen2_vl", "hidden_size": "4096"},
        {"model_type": ["a"]}, {"model_type": 'x"\n"y'}, {}, {"text_config": {"text_config": {}}},
        {"model_type": "gemma3", "vision_config": {"patch_size": 0}}, {"model_type": "internvl", "downsample_ratio": 0},
        {"model_type": "qwen3_vl", "text_config": {"rope_scaling": {"type": "yarn", "factor": 1e9, "original_max_position_embeddings": 4}}},
        {"model_type": "qwen3_5", "text_config": {"layer_types": [1, None] * 40}}, json.loads('{"model_type": "mllama", "text_config": {"cross_attention_layers": "x"}}'),
    ],
)  # fmt: skip
def test_a_hostile_configuration_is_no_crash(config: dict[str, Any]) -> None:
    found = computed(config, "m", Quantization("gptq", {"bits": -4, "group_size": 0}))
    if found is not None:
        assert found.total > 0
        for engine in ("vllm", "sglang", "lmdeploy", ""):
            fit(found, 24 * GIB, Settings(engine))
        floor(found, Settings("vllm"))


LLAMA3_8B = {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
             "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 8192, "tie_word_embeddings": False}  # fmt: skip
QWEN25_1_5B = {"model_type": "qwen2", "hidden_size": 1536, "num_hidden_layers": 28, "num_attention_heads": 12, "num_key_value_heads": 2,
               "intermediate_size": 8960, "vocab_size": 151936, "max_position_embeddings": 32768, "tie_word_embeddings": True}  # fmt: skip
QWEN25_7B = {"model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
             "intermediate_size": 18944, "vocab_size": 152064, "max_position_embeddings": 32768, "tie_word_embeddings": False}  # fmt: skip
QWEN25_14B = {"model_type": "qwen2", "hidden_size": 5120, "num_hidden_layers": 48, "num_attention_heads": 40, "num_key_value_heads": 8,
              "intermediate_size": 13824, "vocab_size": 152064, "max_position_embeddings": 131072, "tie_word_embeddings": False}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "tp", "context", "card", "non_torch", "activation"),
    [
        (LLAMA3_8B, 1, 131072, 22.07, 0.05, 0.22),
        (LLAMA3_8B, 1, 8192, 79.14, 0.12, 1.19),
        (QWEN25_1_5B, 1, 2000, 7.75, 0.04, 1.39),
        (QWEN25_1_5B, 1, 32768, 14.56, 0.01, 2.02),
        (QWEN25_7B, 1, 4096, 8.0, 0.03, 1.42),
        (QWEN25_14B, 2, 131072, 23.08, 0.25, 0.19),
    ],
)
def test_the_overhead_holds_what_servers_reported(
    config: dict[str, Any], tp: int, context: int, card: float, non_torch: float, activation: float
) -> None:
    """Lines of vLLM 0.6 to 0.8 (`model weights take ...; non_torch_memory takes ...`), as quoted in public issues."""
    asked = Settings("vllm", "0.7.3", tp=tp, context=context, requests=256)
    used = fit(sized(config), int(card * GIB), asked).overhead
    assert used.least <= (non_torch + activation) * GIB <= used.most


def test_hostile_lists_take_no_time() -> None:
    long = {**QWEN3_VL_8B, "vision_config": {**QWEN3_VL_8B["vision_config"], "depth": 1 << 39}}
    names = tuple(f"re:.*{n}.*[0-9]+.*x$" for n in range(3000)) + tuple(f"word{n}" for n in range(3000))
    packed = Quantization("compressed-tensors", {}, (QuantizationGroup(4, "int", 128),), names)
    moe = {"model_type": "qwen3_vl_moe", "text_config": {"num_hidden_layers": 900, "mlp_only_layers": [1] * 500_000}}
    start = time.perf_counter()
    for config in (long, moe):
        computed(config, "m", packed)
    assert time.perf_counter() - start < 5
    weights = Weights("safetensors", (WeightFile("a", 1),), -5, declared=10**18)
    found = footprint(Model("/m", config=QWEN3_VL_8B, weights=weights))
    assert found is not None and floor(found, Settings("vllm")) == ()


def test_ties_that_the_configuration_leaves_out() -> None:
    inner = {"model_type": "qwen2", "hidden_size": 896, "num_hidden_layers": 2, "num_attention_heads": 14, "vocab_size": 1000}
    for version, tied in (("4.52.0.dev0", False), ("5.23.0", True)):
        found = layout({"model_type": "internvl", "text_config": inner, "transformers_version": version})
        assert found is not None and found.tied is tied
    found = layout({"model_type": "internvl", "text_config": {**inner, "tie_word_embeddings": True}, "transformers_version": "4.52.1"})
    assert found is not None and found.tied


@pytest.mark.parametrize(
    ("config", "engine", "context"),
    [
        (QWEN_VL_INT4, "vllm", 2048), (QWEN3_VL_8B, "vllm", 262144),
        ({**QWEN25_7B, "rope_scaling": {"type": "dynamic", "factor": 2.0}}, "vllm", 65536),
        ({**QWEN25_7B, "rope_scaling": {"type": "dynamic", "factor": 2.0}}, "lmdeploy", 32768),
        ({**QWEN25_7B, "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}}, "vllm", 32768),
        ({**QWEN25_7B, "rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, "vllm", 32768),
        ({**QWEN25_7B, "rope_scaling": {"type": "linear", "factor": float("nan")}}, "vllm", 32768),
    ],
)  # fmt: skip
def test_the_context_that_engines_take_by_default(config: dict[str, Any], engine: str, context: int) -> None:
    assert fit(sized(config), 80 * GIB, Settings(engine)).context == context


def test_gemma_4_has_two_kinds_of_heads() -> None:
    """31B and 26B-A4B by their published configurations: 30.7 and 25.2 billion numbers in the language model."""
    text: dict[str, Any] = {
        "model_type": "gemma4_text", "hidden_size": 5376, "num_hidden_layers": 60, "num_attention_heads": 32,
        "num_key_value_heads": 16, "head_dim": 256, "global_head_dim": 512, "num_global_key_value_heads": 4,
        "intermediate_size": 21504, "vocab_size": 262144, "sliding_window": 1024, "attention_k_eq_v": True,
        "max_position_embeddings": 262144, "hidden_size_per_layer_input": 0, "tie_word_embeddings": True,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 10,
    }  # fmt: skip
    dense = computed({"model_type": "gemma4", "text_config": text, "tie_word_embeddings": True}, "31B")
    mixed = {**text, "hidden_size": 2816, "num_hidden_layers": 30, "num_attention_heads": 16, "num_key_value_heads": 8,
             "num_global_key_value_heads": 2, "intermediate_size": 2112, "enable_moe_block": True, "num_experts": 128,
             "moe_intermediate_size": 704, "layer_types": text["layer_types"][:30]}  # fmt: skip
    sparse = computed({"model_type": "gemma4", "text_config": mixed, "tie_word_embeddings": True}, "26B")
    assert dense is not None and dense.language / 2e9 == pytest.approx(30.7, rel=0.01)
    assert sparse is not None and sparse.language / 2e9 == pytest.approx(25.2, rel=0.01)
