"""What a launch asks for of a card, against what is there: a share, a cache of a given size, some rest."""

from __future__ import annotations

import pytest

from doctor.memory.fit import Fit, fit
from doctor.report.memory import bar
from tests.memory.cases import GIB, QWEN3_VL_8B
from tests.memory.test_parallel import asked, model

VLLM = "vllm serve m --max-model-len 8192"


def judged(words: str, release: str, card: float = 79.2, free: float | None = None) -> Fit:
    there = None if free is None else int(free * GIB)
    return fit(model(QWEN3_VL_8B), int(card * GIB), asked(words, release, 1), there)


@pytest.mark.parametrize("release", ["0.9.1", "0.11.0", "0.33.0"])
def test_vllm_stops_where_its_share_is_not_free(release: str) -> None:
    """`request_memory` compares the share of the whole card with what is free once the process has its context."""
    assert judged(f"{VLLM} --gpu-memory-utilization 1.0", release).verdict == "refused"
    assert judged(f"{VLLM} --gpu-memory-utilization 0.993", release).verdict == "tight"
    assert judged(f"{VLLM} --gpu-memory-utilization 0.97", release).verdict == "fits"
    found = judged(VLLM, release, free=60)
    assert found.verdict == "refused" and found.rule.denied is not None
    assert (found.rule.denied.kind, found.rule.denied.wanted) == ("share", found.pool)


def test_older_releases_take_what_is_there() -> None:
    """0.8 counts what others hold as its own; releases before fill the card until it is full."""
    alone, beside = judged(VLLM, "0.8.5"), judged(VLLM, "0.8.5", free=60)
    assert alone.cache[1] - beside.cache[1] == pytest.approx(19.2 * GIB, abs=2)
    assert beside.verdict == "fits"
    assert judged(VLLM, "0.7.3", free=60).verdict == "refused"
    assert judged(VLLM, "0.7.3").verdict == "fits"


def test_a_cache_of_a_given_size_is_not_made_smaller() -> None:
    found = judged(f"{VLLM} --kv-cache-memory-bytes 20G", "0.33.0")
    assert found.cache == (20 * GIB, 20 * GIB) and found.verdict == "fits"
    late = judged(f"{VLLM} --kv-cache-memory-bytes 70G", "0.33.0")
    assert late.verdict == "refused" and late.rule.denied is not None and late.rule.denied.kind == "cache"
    assert judged(f"{VLLM} --kv-cache-memory-bytes 61G", "0.33.0").verdict == "tight"


def test_blocks_that_the_command_sets() -> None:
    """vLLM makes as many blocks as are set; up to 0.20 one request has to fit in what was measured, later in those."""
    found = judged(f"{VLLM} --num-gpu-blocks-override 4000", "0.19.0")
    assert found.tokens == (64_000, 64_000) and found.verdict == "fits"
    assert judged(f"{VLLM} --num-gpu-blocks-override 500000", "0.19.0").verdict == "refused"
    assert judged(f"{VLLM} --num-gpu-blocks-override 100", "0.19.0").verdict == "short"
    assert judged(f"{VLLM} --num-gpu-blocks-override 100", "0.33.0").verdict == "refused"


def test_sglang_takes_no_more_tokens_than_there_are() -> None:
    words = "python -m sglang.launch_server --model-path m --context-length 8192"
    free = judged(words, "0.5.23")
    few, many = (judged(f"{words} --max-total-tokens {n}", "0.5.23") for n in (20_000, 99_999_999))
    assert few.tokens == (20_000, 20_000) and few.cache[1] < free.cache[0] / 5
    assert many.tokens == free.tokens and many.verdict == free.verdict


def test_nothing_left_for_computing() -> None:
    words = "python -m sglang.launch_server --model-path m --context-length 8192 --mem-fraction-static"
    found = judged(f"{words} 1.0", "0.5.23")
    assert found.verdict == "refused" and found.rule.denied is not None and found.rule.denied.kind == "rest"
    assert judged(f"{words} 0.99", "0.5.23").verdict == "tight"
    assert judged(f"{words} 0.85", "0.5.23").verdict == "fits"
    assert judged("lmdeploy serve api_server m --session-len 8192 --cache-max-entry-count 0.99", "0.11.1").verdict == "tight"


def test_the_picture_shows_what_others_hold() -> None:
    """Of 79 GiB others hold 20: they have a row, and what is left for computing is less by them."""
    words = "python -m sglang.launch_server --model-path m --context-length 8192"
    alone, beside = judged(words, "0.5.23"), judged(words, "0.5.23", free=59.2)
    assert beside.rule.taken == pytest.approx(20 * GIB, abs=2) and alone.rule.taken == 0
    assert beside.spare == beside.card - beside.rule.taken - beside.weights - beside.cache[0] < alone.spare
    drawn = bar(beside, 50)
    assert drawn.count("x") == pytest.approx(50 * 20 / 79.2, abs=1) and "x" not in bar(alone, 50)
    assert len(drawn) == len(bar(alone, 50)) == 52
