"""What servers log about memory, and what of it is believed."""

from __future__ import annotations

import pytest

from doctor.facts.observed import Observed
from doctor.matrix.memory_lines import MemoryLine, memory_lines
from doctor.memory.logged import logged, plausible

GIB = 1 << 30


@pytest.mark.parametrize("row", memory_lines(), ids=lambda row: f"{row.engine}-{row.pattern[:24]}")
def test_every_line_is_read_from_its_example(row: MemoryLine) -> None:
    noise = "INFO 10-08 06:08:06 starting\nModel weights of another program: 3 GiB\n"
    found = logged(f"{noise}{row.example}\n{noise}", row.engine, 16)
    assert found is not None or "block_size = " in row.example
    others = {other.engine for other in memory_lines()} - {row.engine}
    assert all(logged(row.example, other, 16) is None for other in others)


def test_the_fullest_of_several_gpus() -> None:
    text = (
        "(Worker_TP0 pid=1) INFO [gpu_model_runner.py:1] Model loading took 3.77 GiB memory and 4.1 seconds\n"
        "(Worker_TP1 pid=2) INFO [gpu_model_runner.py:1] Model loading took 4.26 GiB memory and 4.0 seconds\n"
        "(Worker_TP0 pid=1) INFO [gpu_worker.py:298] Available KV cache memory: 67.44 GiB\n"
        "(Worker_TP1 pid=2) INFO [gpu_worker.py:298] Available KV cache memory: 66.10 GiB\n"
        "(EngineCore pid=3) INFO [kv.py:1] GPU KV cache size: 541,504 tokens, "
        "Maximum concurrency for 8,192 tokens per request: 66.10x\n"
    )
    found = logged(text, "vllm")
    assert found == Observed(int(4.26 * GIB), int(66.10 * GIB), 541504, 8192, 66.10)


def test_pools_of_one_gpu_are_added_and_those_of_others_are_not() -> None:
    line = "[2025-10-08 06:07:54 TP{}] KV Cache is allocated. #tokens: {}, K size: {} GB, V size: {} GB\n"
    text = line.format(0, 100, 2.0, 2.0) + line.format(0, 50, 1.0, 1.0) + line.format(1, 100, 2.0, 2.01)
    assert logged(text * 2, "sglang") == Observed(cache=6 * GIB)


def test_blocks_become_tokens_and_bytes() -> None:
    text = "[TM][INFO] [BlockManager] block_size = 9.000 MB\n[TM][INFO] [BlockManager] max_block_count = 863\n"
    assert logged(text, "lmdeploy", 64) == Observed(cache=863 * 9 << 20, tokens=863 * 64)


@pytest.mark.parametrize("text", [
    "Available KV cache memory: 1.2.3 GiB", "Available KV cache memory: nan GiB",
    "Available KV cache memory: 1e30 GiB", "Available KV cache memory: 0.00 GiB", "\x00" * 1000, "",
])  # fmt: skip
def test_what_is_no_figure_is_none(text: str) -> None:
    assert logged(text, "vllm") is None


def test_only_what_fits_the_card_is_believed() -> None:
    seen = Observed(15 * GIB, 58 * GIB, 476_000, 8192, 58.1)
    assert plausible(seen, 80 * GIB) == seen
    assert plausible(seen, 24 * GIB) == Observed(15 * GIB, None, 476_000, 8192, 58.1)
    assert plausible(Observed(cache=900 * GIB, concurrency=3.0), 80 * GIB) is None
    assert plausible(Observed(cache=GIB, tokens=1 << 34), 80 * GIB) == Observed(cache=GIB)


def test_a_cache_for_which_there_is_no_room() -> None:
    text = "(EngineCore pid=3) INFO [gpu_worker.py:298] Available KV cache memory: -1.44 GiB\n"
    seen = logged(text, "vllm")
    assert seen == Observed(cache=int(-1.44 * GIB)) and plausible(seen, 80 * GIB) == seen
    assert plausible(Observed(cache=-900 * GIB), 80 * GIB) is None


def test_a_long_hostile_line_takes_no_time() -> None:
    import time

    began = time.monotonic()
    for engine in ("vllm", "sglang", "lmdeploy"):
        logged("Load weight end. KV Cache is allocated. model weights take 1 GiB; " * 20_000, engine)
        logged("max_total_num_tokens=1, CacheEngine with config: CacheConfig(block_size=1, " * 20_000, engine)
    assert time.monotonic() - began < 3
