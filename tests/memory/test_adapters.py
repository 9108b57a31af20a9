"""What LoRA adapters take of each GPU before the cache is sized: as many as there is room for, by their rank."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from doctor.memory.fit import Fit, fit
from tests.memory.cases import GIB
from tests.memory.test_parallel import MOE, asked, model

DENSE: dict[str, Any] = {
    "model_type": "qwen3", "hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32, "head_dim": 128,
    "num_key_value_heads": 8, "intermediate_size": 12288, "vocab_size": 151936, "max_position_embeddings": 40960,
}  # fmt: skip
VLLM, SGLANG = "vllm serve m --max-model-len 8192", "python -m sglang.launch_server --model-path m"
# In and out of the seven matrices of a layer: query, key and value, output; gate and up, down
IN, KEPT, WIDE, INNER = 4096, 1024, 4096, 12288


def judged(words: str, release: str, config: dict[str, Any] | None = None) -> Fit:
    return fit(model(config or DENSE), int(79.2 * GIB), asked(words, release, 8))


def more(words: str, release: str, plain: str, config: dict[str, Any] | None = None) -> int:
    return judged(words, release, config).weights - judged(plain, release, config).weights


@pytest.mark.parametrize(("options", "slots", "rank"), [("", 1, 16), ("--max-loras 4 --max-lora-rank 64", 4, 64)])
def test_vllm_has_room_in_every_linear_layer(options: str, slots: int, rank: int) -> None:
    each = 3 * IN + WIDE + 2 * KEPT + (WIDE + IN) + 2 * (IN + INNER) + (INNER + IN)
    got = more(f"{VLLM} --enable-lora {options} --lora-modules a=b", "0.33.0", VLLM)
    assert got == pytest.approx(slots * rank * 36 * each * 2, rel=0.001)


def test_two_gpus_divide_one_side() -> None:
    """What comes into a column and goes out of a row stays whole; `--fully-sharded-loras` divides that too."""
    whole, split = 3 * IN + IN + 2 * IN + IN, WIDE + WIDE + 2 * INNER + INNER
    words = f"{VLLM} -tp 2 --enable-lora --max-lora-rank 64"
    plain = f"{VLLM} -tp 2"
    assert more(words, "0.33.0", plain) == pytest.approx(64 * 36 * (whole + split / 2 + KEPT) * 2, rel=0.001)
    both = more(f"{words} --fully-sharded-loras", "0.33.0", plain)
    assert both == pytest.approx(64 * 36 * (whole / 2 + split / 2 + KEPT) * 2, rel=0.001)


def test_experts_have_room_since_their_layers_can() -> None:
    words = f"{VLLM} --enable-lora"
    outer, inner = 128 * (2 * 4096 + 4096), 128 * 3 * 1536
    late, before = (more(words, release, VLLM, MOE) for release in ("0.33.0", "0.11.0"))
    assert late - before == pytest.approx(16 * 94 * (outer + inner) * 2, rel=0.001)


def test_modules_alone_turn_nothing_on_in_vllm() -> None:
    assert more(f"{VLLM} --lora-modules a=b", "0.33.0", VLLM) == 0


def test_sglang_keeps_eight_of_the_rank_that_its_adapters_have() -> None:
    """Named paths turn it on; where no rank is named, it is a range."""
    plain, named = judged(SGLANG, "0.5.10"), judged(f"{SGLANG} --lora-paths a=/x --max-lora-rank 32", "0.5.10")
    one = judged(f"{SGLANG} --lora-paths a=/x --max-lora-rank 32 --max-loras-per-batch 1", "0.5.10")
    assert named.weights - plain.weights == pytest.approx(8 * (one.weights - plain.weights), rel=1e-6)
    assert plain.cache[1] - named.cache[1] == pytest.approx(named.weights - plain.weights, abs=2)
    unknown = judged(f"{SGLANG} --lora-paths a=/x", "0.5.10")
    assert unknown.cache[0] < named.cache[0] < named.cache[1] < unknown.cache[1]


def test_lmdeploy_keeps_each_that_is_named() -> None:
    words = "lmdeploy serve api_server m --backend pytorch"
    plain, two = judged(words, "0.12.0"), judged(f"{words} --adapters a=/x b=/y", "0.12.0")
    assert plain.cache[0] - two.cache[0] > 0.4 * GIB > plain.cache[1] - two.cache[1] > 0 and two.settings.adapters == 2
    assert fit(model(DENSE), int(79.2 * GIB), replace(two.settings, adapters=0)).cache == plain.cache
