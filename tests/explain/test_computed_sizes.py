"""Sizes that cannot be split: the numbers that fit are computed from the log, and the failing one is never advised."""

from __future__ import annotations

import re

import pytest

FRAME = (
    'Traceback (most recent call last):\n  File "/e/site-packages/vllm/distributed/utils.py", line 3, in {}\n    {}\n'
)


@pytest.mark.parametrize(
    ("error", "stated", "fit", "unfit"),
    [
        ("AssertionError: 12 is not divisible by 8", "", [1, 2, 3, 4, 6, 12], [8]),
        ("AssertionError: 25 is not divisible by 2", "tensor_parallel_size=2", [1, 5, 25], [2, 4]),
        ("ValueError: The output_size of gate's and up's weight = 96 is not divisible by weight quantization block_n "
         "= 128.", "--tensor-parallel-size 8", [1, 2, 3, 6], [4, 8]),
        ("ValueError: Weight input_size_per_partition = 3424 is not divisible by min_thread_k = 128.",
         "'tensor_parallel_size': 4", [1], [4]),
        ("ValueError: Total number of attention heads (28) must be divisible by tensor parallel size (8).", "",
         [1, 2, 4, 7, 14, 28], [8]),
    ],
)  # fmt: skip
def test_sizes_that_fit(explain, error: str, stated: str, fit: list[int], unfit: list[int]) -> None:
    log = f"{stated}\n" + FRAME.format("ensure_divisibility", "assert a % b == 0") + error + "\n"
    found = explain(log)[0]
    title = found.remediations[0].title.partition(": ")[2] if "divides" in found.remediations[0].title else (
        found.remediations[0].title.partition(":")[0])  # fmt: skip
    numbers = {int(n) for n in re.findall(r"\b\d+\b", title)}
    assert set(fit) <= numbers and not numbers & set(unfit)
    assert "divisible" in found.message


def test_an_unknown_size_is_not_guessed(explain) -> None:
    log = "ValueError: The output_size of gate's and up's weight = 96 is not divisible by weight quantization block_n = 128.\n"
    title = explain(log)[0].remediations[0].title
    assert "multiple of 128" in title and "1, 2" not in title


def test_packed_weights_are_no_matter_of_gpus(explain) -> None:
    log = FRAME.format("default_weight_loader", "assert param.size() == loaded_weight.size(), (") + (
        "AssertionError: Tried to load weights of size torch.Size([512, 1])to a parameter of size torch.Size([32, 32])\n"
    )
    found = explain(log)[0]
    assert "2 values packed" in found.message and "GPUs" not in found.message
    assert all("tensor-parallel" not in r.title for r in found.remediations)
