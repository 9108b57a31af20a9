"""What vLLM tries its vision tower out with: the processor's arguments, limits and the length of a request decide."""

from __future__ import annotations

from typing import Any

import pytest

from doctor.memory.sight import Sight, tried
from tests.memory.cases import GIB, QWEN3_VL_8B
from tests.memory.test_parallel import asked, model
from tests.memory.test_towers_left_out import QWEN25, loaded

ARCHITECTURE = "Qwen2_5_VLForConditionalGeneration"
GLM: dict[str, Any] = {"model_type": "glm4v", "vision_config": {"model_type": "glm4v_vision", "spatial_merge_size": 2}}


def needed(*words: str, release: str = "0.23.0", length: str = "128000") -> tuple[float, float]:
    found = loaded(["vllm", "serve", "/m", "--max-model-len", length, *words], release, QWEN25, ARCHITECTURE)
    return found.overhead.least / GIB, found.overhead.most / GIB


def test_a_whole_video_by_default() -> None:
    """A server of this release logged 16.04 GiB with its default limits."""
    least, most = needed()
    assert least <= 16.04 <= most < 20


def test_smaller_images_need_less() -> None:
    """1,280 tokens make an image and 8,960 a video, which is less than the sampler takes."""
    whole, small = needed(), needed("--mm-processor-kwargs", '{"max_pixels":1003520}')
    assert small[1] < 0.25 * whole[1]
    for said in ('{"size":{"longest_edge":1003520,"shortest_edge":3136}}', '{"size":{"max_pixels":1003520}}'):
        assert needed("--mm-processor-kwargs", said) == small
    for nothing in ('{"max_pixels":0}', '{"max_pixels":"many"}', "[1]", "{"):
        assert needed("--mm-processor-kwargs", nothing) == whole
    assert needed("--skip-mm-profiling")[0] < small[0] + 0.01


@pytest.mark.parametrize(
    ("words", "release", "length", "tokens"),
    [
        ("", "0.23.0", 128_000, 114_688), ("", "0.10.2", 140_000, 131_072), ("", "0.9.2", 128_000, 98_304),
        ("", "0.23.0", 8192, 16_384), ('--limit-mm-per-prompt {"image":1,"video":0}', "0.23.0", 128_000, 16_384),
        ('--limit-mm-per-prompt {"image":1,"video":0} --max-num-batched-tokens 65536', "0.23.0", 128_000, 65_536),
        ('--limit-mm-per-prompt {"image":1,"video":0} --max-num-batched-tokens 65536 --max-num-seqs 2', "0.23.0", 128_000,
         32_768),
        ('--mm-processor-kwargs {"max_pixels":1003520}', "0.23.0", 128_000, 8960),
        ('--mm-processor-kwargs {"images_kwargs":{"max_pixels":1003520}}', "0.33.0", 128_000, 8960),
        ('--mm-processor-kwargs {"max_pixels":1003520}', "0.11.0", 128_000, 7 * 35 * 35),
    ],
)  # fmt: skip
def test_how_many_tokens_are_tried_out(words: str, release: str, length: int, tokens: int) -> None:
    said = asked(f"vllm serve m --max-model-len {length} {words}", release, 1)
    seen = Sight(1, 1, 4, 784, 12_845_056, videos=True)
    assert tried(seen, said, length, (said.batch or 8192, said.requests or 256)) == tokens


def test_families_have_their_own_largest_image() -> None:
    assert model(QWEN3_VL_8B).sight.image(asked("vllm serve m", "0.23.0")) == 16_384
    from doctor.memory.layout import layout
    from doctor.memory.sight import sight

    found = layout(GLM)
    assert found is not None and sight(found, {}).image(asked("vllm serve m", "0.23.0")) == 6144
    assert sight(found, {"size": {"longest_edge": 4_816_896}}).image(asked("vllm serve m", "0.23.0")) == 3072
