"""Blocks and groups of vLLM's cache: against logs of servers that state the room and what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.findings import Open
from doctor.memory.fit import Fit
from tests.memory.test_rules import facts

GIB = 1 << 30
QWEN3_5_27B: dict[str, Any] = {
    "architectures": ["Qwen3_5ForConditionalGeneration"], "model_type": "qwen3_5",
    "text_config": {
        "model_type": "qwen3_5_text", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 24,
        "num_key_value_heads": 4, "head_dim": 256, "intermediate_size": 17408, "vocab_size": 248320,
        "max_position_embeddings": 262144, "full_attention_interval": 4, "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_num_key_heads": 16,
        "linear_num_value_heads": 48, "mamba_ssm_dtype": "float32",
    },
}  # fmt: skip
GPT_OSS: dict[str, Any] = {
    "architectures": ["GptOssForCausalLM"], "model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 24,
    "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 2880,
    "vocab_size": 201088, "num_local_experts": 32, "max_position_embeddings": 131072, "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
}  # fmt: skip
DENSE: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
    "max_position_embeddings": 131072,
}  # fmt: skip
HALF = "vllm serve /m -tp 2 --max-model-len 262144 --kv-cache-dtype fp8_e5m2 --dtype float16 --enable-prefix-caching"
MTP = '--speculative-config {"method":"mtp","num_speculative_tokens":3}'


def held(command: str, config: dict[str, Any], gib: float, release: str, count: int = 1) -> Fit:
    """What a cache of this size holds."""
    line = f"{command} --kv-cache-memory-bytes {int(gib * GIB)}"
    found = memory_verdict(Case(facts(line, config, card=80, count=count, release=release)))
    assert isinstance(found, MemoryVerdict) and found.fit is not None and found.fit.cache[0] == int(gib * GIB)
    return found.fit


@pytest.mark.parametrize(
    ("release", "more", "gib", "tokens"),
    [
        ("0.21.0", "", 9.845, 619_202),  # 411 blocks of 16 layers; a request takes 168 and two states of three groups
        ("0.24.0", MTP, 11.055, 623_873),  # 426 blocks of 17 layers; 164, and five states of three groups
        ("0.21.0", MTP, 11.03, 622_408),
    ],
)
def test_linear_layers_and_a_drafter_as_servers_logged(release: str, more: str, gib: float, tokens: int) -> None:
    """Qwen3.6-27B on two cards: each of these lines stands in a log, the room rounded to a hundredth."""
    found = held(f"{HALF} {more}", QWEN3_5_27B, gib, release, count=2)
    assert found.tokens[0] == pytest.approx(tokens, rel=0.0025)
    assert found.concurrent[0] == pytest.approx(tokens / 262_144, abs=0.01)


def test_the_log_counts_by_groups_before_it_counts_by_requests() -> None:
    """Half of the layers of gpt-oss keep 128 tokens: up to 0.20.0 the log halves the blocks, later it does not."""
    old, new = (held("vllm serve /m --max-model-len 32768", GPT_OSS, 12, r) for r in ("0.19.0", "0.22.0"))
    assert old.concurrent == new.concurrent and old.tokens[0] * 1.4 < new.tokens[0]
    block = 2 * 8 * 64 * 2 * 16 * 12
    assert old.tokens[0] == 12 * GIB // block // 2 * 16
    alone = -(-min(127 + 8192, 32768) // 16) + 1
    assert new.concurrent[0] == pytest.approx(12 * GIB // block / (2048 + alone))


def test_two_steps_are_in_flight_since_0_26() -> None:
    before, after = (held("vllm serve /m --max-model-len 32768", GPT_OSS, 12, r) for r in ("0.25.0", "0.26.0"))
    assert after.concurrent[0] == pytest.approx(before.concurrent[0] * (2048 + 521) / (2048 + 1033))


@pytest.mark.parametrize(("release", "each"), [("0.8.5", 24), ("0.11.0", 12)])
def test_windows_are_paid_for_whole_before_groups(release: str, each: int) -> None:
    found = held("vllm serve /m --max-model-len 131072", GPT_OSS, 12, release)
    assert found.per_token == 2 * 8 * 64 * 2 * each


def test_a_block_is_given_out_whole() -> None:
    """28.20 GiB of Mistral Small 3.2 in blocks of 128 tokens are 1,444 blocks: what its log says."""
    small = {**DENSE, "hidden_size": 5120, "num_hidden_layers": 40, "head_dim": 128}
    found = held("vllm serve /m --block-size 128 --max-model-len 16000", small, 28.205, "0.11.0")
    assert found.tokens == (184_832, 184_832) and found.concurrent[0] == pytest.approx(11.55, abs=0.005)


def test_the_longest_request_is_what_fits_beside_the_states() -> None:
    found = held(f"{HALF} {MTP}", QWEN3_5_27B, 4, "0.24.0", count=2)
    assert found.counted is not None and found.counted.holds(found.longest[0]) <= 4 * GIB
    assert found.counted.holds(found.longest[0] + 1) > 4 * GIB and found.verdict == "refused"


def test_heads_weigh_a_layer_and_keep_a_cache() -> None:
    """EAGLE 3 for Llama 3.1 8B: one layer that sees twice the width; its file is of about 850 MB."""
    plain, head = (
        held(f"vllm serve /m {more}", DENSE, 20, "0.24.0")
        for more in ("", '--speculative-config {"method":"eagle3","model":"x/eagle3","num_speculative_tokens":3}')
    )
    assert (head.weights - plain.weights) / GIB == pytest.approx(0.79, rel=0.1)
    assert head.per_token == plain.per_token * 33 / 32


def test_nothing_is_loaded_for_what_the_prompt_itself_tells() -> None:
    plain, ngram = (
        held(f"vllm serve /m {more}", DENSE, 20, "0.24.0")
        for more in ("", '--speculative-config {"method":"ngram","num_speculative_tokens":3}')
    )
    assert ngram.weights == plain.weights and ngram.per_token == plain.per_token


@pytest.mark.parametrize(
    "command",
    [
        'vllm serve /m --speculative-config {"model":"someone/unknown-1b","num_speculative_tokens":3}',
        "python -m sglang.launch_server --model-path /m --speculative-algorithm STANDALONE"
        " --speculative-draft-model-path someone/unknown-1b",
    ],
)
def test_a_draft_model_that_nobody_knows_leaves_it_open(command: str) -> None:
    found = memory_verdict(Case(facts(command, DENSE, card=80, release="0.24.0" if "vllm" in command else "0.5.3")))
    assert isinstance(found, Open) and "someone/unknown-1b" in found.reason
