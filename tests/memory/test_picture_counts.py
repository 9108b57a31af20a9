"""How many pictures fit a request, how many the cache holds, and what the engine keeps of encoded ones."""

from __future__ import annotations

from typing import Any

from doctor.derived.case import Case
from doctor.facts import Facts, Launch, Model, Target
from doctor.facts.distribution import Distribution, Distributions
from doctor.matrix.declared import declared_gpu
from doctor.report.memory import memory_to_json


def _asked(command: str, release: str = "0.19.0", **more: Any) -> dict[str, Any]:
    """The memory of the answer for Qwen2.5-VL 7B on an H100."""
    engine = command.split()[0]
    config = {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", **more}
    here = Facts(
        Target("declared", "a test", python="3.11"), launch=Launch(tuple(command.split()), engine), gpu=declared_gpu("H100", None),
        distributions=Distributions((Distribution(engine, engine, release, "", "r.txt:1"),), complete=False),
        model=Model("/m", tuple(config["architectures"]), config["model_type"], config=config),
    )  # fmt: skip
    found = memory_to_json(Case(here))
    assert found is not None
    return found


def test_how_many_pictures_fit_a_request_and_what_the_encoder_keeps() -> None:
    found = _asked("vllm serve /m --max-model-len 32768")
    shown = {(p["width"], p["height"]): p for p in found["pictures"]}
    assert shown[1920, 1080]["per_request"] == 32768 // shown[1920, 1080]["tokens"]
    least, most = found["per_gpu"]["tokens"]
    assert shown[1920, 1080]["at_once"] == [n // shown[1920, 1080]["tokens"] for n in (least, most)]
    # the largest picture is larger than a step of 8,192 tokens; a video, which is not forbidden, has more of that size
    assert found["encoder_cache"]["tokens"] == 2 * 16384
    longer = _asked("vllm serve /m --max-model-len 100000")["encoder_cache"]
    assert longer["tokens"] == 6 * 16384 and longer["bytes"] == longer["tokens"] * 8192 * 2
    assert _asked("vllm serve /m --max-model-len 100000", "0.9.2")["encoder_cache"]["tokens"] == 5 * 16384
    no_video = _asked('vllm serve /m --max-model-len 100000 --limit-mm-per-prompt {"image":2,"video":0}')
    assert no_video["encoder_cache"]["tokens"] == 16384
    assert [p["per_request"] for p in no_video["pictures"]] == [2, 2, 2]
    small = _asked('vllm serve /m --max-model-len 8192 --mm-processor-kwargs {"max_pixels":602112}')
    assert small["encoder_cache"]["tokens"] == 8192 and small["pictures"][2]["tokens"] <= 768
    assert _asked("lmdeploy serve api_server /m", "0.11.1")["encoder_cache"] is None
    assert _asked('vllm serve /m --limit-mm-per-prompt {"image":0,"video":0}')["encoder_cache"] is None
    assert {p["per_request"] for p in _asked("vllm serve /m", "0.6.3")["pictures"]} == {1}
