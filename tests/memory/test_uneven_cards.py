"""Unequal GPUs: each is judged on its own memory, and the one with the least room decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doctor.derived.case import Case
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.facts import Distribution, Distributions, Facts, Gpu, Launch, Model, Target
from doctor.facts.gpu import Device
from doctor.pipeline.diagnosis import judge
from tests.memory.cases import GIB, QWEN3_VL_8B

LARGE = Device(0, "NVIDIA A100-SXM4-80GB", (8, 0), int(79.3 * GIB))
SMALL = Device(1, "NVIDIA GeForce RTX 3090", (8, 6), 24 * GIB)
WORDS = {
    "vllm": "vllm serve /m --tensor-parallel-size 2 --max-model-len 8192",
    "sglang": "python -m sglang.launch_server --model-path /m --tp-size 2 --context-length 8192",
    "lmdeploy": "lmdeploy serve api_server /m --tp 2 --session-len 8192",
}


def facts(engine: str, release: str, *devices: Device, source: str = "declared", **environ: str) -> Facts:
    named = Distribution(engine, engine, release, "", "requirements.txt:1")
    return Facts(
        Target("declared", "a test", python="3.11"), launch=Launch(tuple(WORDS[engine].split()), engine, environ=environ),
        distributions=Distributions((named,), complete=False), gpu=Gpu(source, devices),
        model=Model("/m", ("Qwen3VLForConditionalGeneration",), "qwen3_vl", config=QWEN3_VL_8B),
    )  # fmt: skip


def found(engine: str, release: str, *devices: Device, source: str = "declared", **environ: str) -> MemoryVerdict:
    here = memory_verdict(Case(facts(engine, release, *devices, source=source, **environ)))
    assert isinstance(here, MemoryVerdict) and here.fit is not None
    return here


@pytest.mark.parametrize(("engine", "release"), [("vllm", "0.33.0"), ("lmdeploy", "0.11.1")])
def test_the_smallest_decides_in_any_order(engine: str, release: str) -> None:
    one, other = found(engine, release, LARGE, SMALL), found(engine, release, SMALL, LARGE)
    for here in (one, other):
        assert here.device is not None and "3090" in here.device.name and here.fit is not None
        assert here.fit.card == 24 * GIB


def test_defaults_follow_the_first_card() -> None:
    """CUDA puts the fastest first: behind an H100, the small card computes for as many requests as that."""
    h100, second = replace(LARGE, name="NVIDIA H100 80GB HBM3", capability=(9, 0)), replace(SMALL, index=0)
    steps = []
    for pair in ((h100, SMALL), (second, replace(h100, index=1)), (second, SMALL)):
        here = found("vllm", "0.33.0", *pair).fit
        assert here is not None and here.card == 24 * GIB
        steps += [most for what, _, most in here.overhead.reasons if what == "computation of one step"]
    assert steps[0] == steps[1] > 2 * steps[2]


def test_free_memory_is_compared_with_its_own_card() -> None:
    """60 of 80 GiB free on the large card are its own: they say nothing of the small one, which is whole."""
    busy, whole = replace(LARGE, memory_free=76 * GIB), replace(SMALL, memory_free=int(23.3 * GIB))
    here = found("vllm", "0.33.0", busy, whole, source="nvml")
    assert here.fit is not None and here.fit.starts and here.device is not None and "3090" in here.device.name
    taken = found("vllm", "0.33.0", replace(LARGE, memory_free=30 * GIB), whole, source="nvml")
    assert taken.fit is not None and taken.fit.verdict == "refused" and taken.device is not None
    assert "A100" in taken.device.name and taken.free == 30 * GIB


def test_sglang_refuses_gpus_that_differ() -> None:
    here = facts("sglang", "0.5.23", LARGE, SMALL)
    (refused,) = [f for f in judge(here).findings if f.rule == "MEM006"]
    assert refused.severity == "error" and "90%" in refused.message
    assert [(a.name, a.value) for a in refused.remediations[0].actions] == [("SGLANG_ENABLE_TP_MEMORY_INBALANCE_CHECK", "0")]
    off = found("sglang", "0.5.23", LARGE, SMALL, SGLANG_ENABLE_TP_MEMORY_INBALANCE_CHECK="0").fit
    older = found("sglang", "0.5.3", LARGE, SMALL, SGL_DISABLE_TP_MEMORY_INBALANCE_CHECK="true").fit
    assert off is not None and off.starts and older is not None and older.starts
    assert found("sglang", "0.5.23", LARGE, LARGE).fit != off


def test_sglang_sets_aside_by_the_smallest_card_of_the_machine() -> None:
    """`nvidia-smi` lists every GPU, those too that the server leaves alone."""
    alone = found("sglang", "0.5.23", LARGE, replace(LARGE, index=1)).fit
    third = found("sglang", "0.5.23", LARGE, replace(LARGE, index=1), replace(SMALL, index=2)).fit
    assert alone is not None and third is not None and third.rule.rule != alone.rule.rule
