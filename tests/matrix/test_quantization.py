"""The tables on quantisation: what they say of known releases, and that all releases together are judged as one by one."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import pytest

from doctor.facts.model import Quantization, QuantizationGroup
from doctor.matrix import rows
from doctor.matrix.engines import engine_row
from doctor.matrix.models.decision import UNKNOWN, follow, holds
from doctor.matrix.models.quantization import Need, _serves, fitting, floor, table, takes
from doctor.matrix.models.turbomind import served_by

W4 = QuantizationGroup(4, "int", 32, True, "group", "pack-quantized")
F8 = QuantizationGroup(8, "float", None, True, "channel", "float-quantized", activations=True)
GPTQ = Quantization("gptq", {"bits": 4, "group_size": 128, "sym": True, "desc_act": False})
METHODS = (
    GPTQ,
    Quantization("awq", {"version": "gemv", "group_size": 128}),
    Quantization("compressed-tensors", groups=(W4,)),
    Quantization("compressed-tensors", groups=(F8,)),
    Quantization("fp8", {"activation_scheme": "dynamic"}, (QuantizationGroup(8, "float", block=(128, 128)),)),
    Quantization("gguf"),
    Quantization("nothing-of-that-name"),
)


KINDS = (
    "decisions",
    "quantization.schemes",
    "architectures.vision",
    *(f"{k}.{b}" for k in ("quantization", "architectures") for b in ("turbomind", "pytorch", "default")),
)


@cache
def row(engine: str, version: str) -> dict[str, Any]:
    found = rows.row(engine, version, *KINDS)
    assert found is not None
    return found


def test_the_hand_written_rows_name_their_sources() -> None:
    assert all(s.source and s.classes for s in table().schemes) and all(r.source for r in table().reads)
    known = {c for e in ("vllm", "sglang") for c in rows.keys(e, "quantization.schemes")}
    unknown = {c for s in table().schemes for c in s.classes} - known
    assert not unknown, f"no release has the classes {unknown}"


@pytest.mark.parametrize(
    ("engine", "version", "quantization", "least"),
    [
        ("vllm", "0.11.2", METHODS[2], (8, 0)),
        ("vllm", "0.12.0", METHODS[2], (7, 5)),
        ("vllm", "0.11.2", METHODS[3], (8, 0)),
        ("vllm", "0.11.2", METHODS[1], (7, 5)),
        ("vllm", "0.11.2", GPTQ, (6, 0)),
        ("vllm", "0.11.2", METHODS[4], (8, 0)),
        ("vllm", "0.14.0", METHODS[4], (7, 5)),
        ("vllm", "0.11.2", Quantization("modelopt", {"quant_algo": "NVFP4"}), (8, 0)),
        ("vllm", "0.11.2", Quantization("modelopt", {"quant_algo": "FP8"}), (8, 9)),
        ("sglang", "0.5.4", METHODS[2], (8, 0)),
    ],
)
def test_floors(engine: str, version: str, quantization: Quantization, least: tuple[int, int]) -> None:
    found = floor(row(engine, version), "default", quantization)
    assert found is not None and found.capability == least


@pytest.mark.parametrize(
    ("engine", "quantization", "architecture", "capability"),
    list(
        itertools.product(
            ("lmdeploy", "sglang"), METHODS, (None, "QWenLMHeadModel", "Qwen2ForCausalLM"), (None, (7, 5))
        )
    ),
)
def test_all_releases_are_judged_as_one_by_one(
    engine: str, quantization: Quantization, architecture: str | None, capability: tuple[int, int] | None
) -> None:
    config = {"hidden_size": 2560, "num_attention_heads": 32, "visual": {"layers": 48}}
    need = Need(quantization, (architecture,) if architecture else (), config, None, capability)
    found, backends = fitting(engine, need), engine_row(engine).halves
    assert found is not None
    wanted = [v for v in found.releases.versions if any(_serves(row(engine, v), engine, v, b, need) for b in backends)]
    assert list(found.all_versions) == wanted


def test_head_dimensions_decide_which_half_serves() -> None:
    here = row("lmdeploy", "0.11.1")
    assert served_by(here, "Qwen2ForCausalLM", {"hidden_size": 3584, "num_attention_heads": 28}, None) is True
    assert served_by(here, "Qwen2ForCausalLM", {"hidden_size": 2560, "num_attention_heads": 32}, None) is False
    assert served_by(here, "Qwen2ForCausalLM", {"head_dim": 128, "hidden_size": 1}, None) is True
    assert served_by(here, "Qwen2ForCausalLM", {}, None) is None, "the engine has defaults of its own"
    assert served_by(here, "Qwen3VLForConditionalGeneration", {}, None) is False
    inner = {"architectures": ["Phi3ForCausalLM"], "head_dim": 128}
    assert served_by(here, "InternVLChatModel", {"llm_config": inner}, None) is False


@pytest.mark.parametrize("config", [
    {"quantization_config": 7}, {"quantization_config": {"quant_method": ["awq"]}},
    {"quantization_config": {"quant_method": "awq", "group_size": "x"}},
    {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": []}},
    {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"format": {}}}}},
    {"llm_config": {"architectures": "x"}, "text_config": []},
])  # fmt: skip
def test_odd_configurations_are_no_crash(config: dict[str, Any]) -> None:
    for method in METHODS:
        need = Need(method, ("Qwen2ForCausalLM",), config)
        takes(row("lmdeploy", "0.18.0"), "lmdeploy", "0.18.0", "turbomind", need)
        assert fitting("lmdeploy", need) is not None


def test_a_decision_is_followed_and_never_run() -> None:
    refused = follow([["if", ["name", "x"], [["raise", "ValueError"]], []]], {"x": True})
    assert refused.refused == "ValueError" and refused.sure
    unsure = follow([["if", ["?"], [["raise", "ValueError"]], []], ["return", ["c", 1]]], {})
    assert not unsure.sure
    assert follow([["if", ["?"], [["set", "y", ["c", 1]]], []], ["return", ["c", 2]]], {}).returned == 2
    assert holds(["and", ["?"], ["c", False]], {}) is False and holds(["or", ["?"], ["c", False]], {}) is None
    assert holds(["item", ["name", "d"], ["c", "k"]], {"d": {}}) is None
    assert follow([["return", ["name", "nowhere"]]], {}).returned is None and repr(UNKNOWN) == "UNKNOWN"
    deep: list[Any] = ["c", True]
    for _ in range(5000):
        deep = ["not", deep]
    assert holds(deep, {}) in (True, None)
