"""What the data says of the engines; every expectation was seen in the published packages."""

from __future__ import annotations

from functools import reduce
from operator import and_

import pytest

from doctor.matrix import rows
from doctor.matrix.compat import compatibility, engines_for
from doctor.matrix.engines import engine, engines, entry_modules, launched
from doctor.matrix.grid.show import release, text


@pytest.mark.parametrize(
    ("project", "kind", "key", "spec"),
    [
        ("lmdeploy", "quantization.pytorch", "gptq", "<0"),
        ("lmdeploy", "quantization.pytorch", "awq", ">=0.6.0"),
        ("lmdeploy", "quantization.pytorch", "fp8", ">=0.7.0"),
        ("lmdeploy", "quantization.turbomind", "gptq", ">=0.6.0"),
        ("lmdeploy", "quantization.turbomind", "fp8", ">=0.9.0"),
        ("lmdeploy", "quantization.turbomind", "compressed-tensors", ">=0.12.0"),
        ("lmdeploy", "architectures.turbomind", "QWenLMHeadModel", ">=0.2.5,<=0.13.0"),
        ("lmdeploy", "architectures.pytorch", "QWenLMHeadModel", ">=0.3.0,<=0.14.0"),
        ("lmdeploy", "architectures.pytorch", "Qwen3VLForConditionalGeneration", ">=0.11.0"),
        ("lmdeploy", "architectures.turbomind", "Qwen3VLForConditionalGeneration", "<0"),
        ("lmdeploy", "architectures.turbomind", "Qwen2VLForConditionalGeneration", ">=0.9.2,!=0.14.0,!=0.15.0"),
        ("lmdeploy", "flags", "--trust-remote-code", ">=0.13.0"),
        ("lmdeploy", "flags", "--disable-vision-encoder", ">=0.9.2,<=0.14.0"),
        ("lmdeploy", "flags", "--language-model-only", ">=0.15.0"),
        ("vllm", "architectures.default", "QWenLMHeadModel", "<=0.23.0"),
        ("vllm", "architectures.default", "Qwen2VLForConditionalGeneration", ">=0.6.1"),
        ("vllm", "architectures.default", "Qwen2_5_VLForConditionalGeneration", ">=0.7.2"),
        ("vllm", "architectures.default", "Qwen3VLForConditionalGeneration", ">=0.11.0"),
        ("vllm", "flags", "--mm-encoder-tp-mode", ">=0.10.2"),
        ("vllm", "quantization.default", "compressed-tensors", ">=0.5.0"),
        ("sglang", "architectures.default", "Qwen3VLForConditionalGeneration", ">=0.5.3"),
        ("sglang", "architectures.default", "Qwen2_5_VLForConditionalGeneration", ">=0.4.3.post1"),
        ("transformers", "model_types", "qwen2_vl", ">=4.45.0"),
        ("transformers", "model_types", "qwen3_vl", ">=4.57.1"),
        ("transformers", "model_types", "qwen3_5", ">=5.2.0"),
        ("transformers", "quantization.default", "compressed-tensors", ">=4.45.0"),
    ],
)
def test_since_when_and_until(project: str, kind: str, key: str, spec: str) -> None:
    found = rows.releases_having(project, kind, key)
    assert found is not None
    assert found.spec() == spec


def test_limit_mm_per_prompt_wants_json_since_0_10() -> None:
    """`image=2` until 0.8.4, either form to 0.9.2, JSON alone since."""
    kinds: dict[str, list[str]] = {}
    for having, flag in rows.history("vllm", "flags", "--limit-mm-per-prompt"):
        kinds.setdefault(flag["type"], []).extend(having.versions)
    assert set(kinds) == {"nullable_kvs", "json or key=value", "json"}
    assert kinds["nullable_kvs"][0] == "0.5.5" and kinds["nullable_kvs"][-1] == "0.8.4"
    assert "0.9.2" in kinds["json or key=value"]
    assert "0.10.0" in kinds["json"] and "0.33.0" in kinds["json"]


def test_mm_encoder_tp_mode_takes_data_or_weights() -> None:
    assert [v["choices"] for _, v in rows.history("vllm", "flags", "--mm-encoder-tp-mode")] == [["data", "weights"]]


@pytest.mark.parametrize(
    ("version", "method", "least"),
    [("0.6.4", "awq", 75), ("0.13.0", "awq_marlin", 80), ("0.14.0", "awq_marlin", 75), ("0.11.0", "fp8", 80)],
)
def test_vllm_minimum_capability(version: str, method: str, least: int) -> None:
    row = rows.row("vllm", version, "quantization.default")
    assert row is not None
    assert row["quantization.default"][method]["minimum_capability"] == least


def test_lmdeploys_own_check_of_transformers() -> None:
    row = rows.row("lmdeploy", "0.11.1", "checks", "quantization.turbomind", "tags")
    assert row is not None
    assert row["checks"]["transformers"] == {"min": "4.33.0", "max": "4.56.1"}
    assert row["quantization.turbomind"]["awq"] == {"conditions": ["version == 'gemm'"], "group_sizes": [128]}
    assert "cp312-cp312-win_amd64" in row["tags"]


def test_the_window_that_nobody_found() -> None:
    """Qwen-VL on LMDeploy 0.11.1: its vision front end and the model's own helper allow 4.42.0 to 4.56.2."""
    engine_side = compatibility("lmdeploy", "0.11.1")
    helper_side = compatibility("transformers-stream-generator", "0.0.5")
    assert engine_side is not None and helper_side is not None
    both = engine_side.fitting & helper_side.fitting
    assert both.spec() == ">=4.42.0,<=4.56.2"
    broken = engine_side.against("4.38.2")
    assert {(b.kind, b.subject, b.file) for b in broken} >= {
        ("derived", "transformers.processing_utils:ImagesKwargs", "lmdeploy/vl/model/gemma3_vl.py")
    }
    assert not engine_side.against("4.46.1")


def test_declared_derived_and_checked_stay_apart() -> None:
    found = compatibility("lmdeploy", "0.11.1", model_type="qwen3_vl")
    assert found is not None
    assert found.declared.spec() == ""
    assert found.fitting.spec() == ">=4.57.1,<=4.57.6"
    checks = [b.releases for b in found.bounds if b.kind == "check"]
    assert not reduce(and_, checks, found.fitting).versions, "its own check warns above 4.56.1, and qwen3_vl came with 4.57"


def test_engines_for_a_transformers() -> None:
    found = engines_for("lmdeploy", "4.46.1")
    assert found is not None
    assert found.contains("0.11.1") and not found.contains("0.18.0")


def test_entry_modules_follow_the_release() -> None:
    old, new = entry_modules("lmdeploy", "0.2.0"), entry_modules("lmdeploy", "0.14.0", "pytorch")
    assert "lmdeploy.serve.async_engine" in old and "lmdeploy.vl.model.builder" not in old
    assert "lmdeploy.serve.core" in new and "lmdeploy.serve.async_engine" not in new
    assert not any("turbomind" in m for m in new)
    assert "lmdeploy.vl.model.builder" not in entry_modules("lmdeploy", "0.14.0", vision=False)
    assert entry_modules("lmdeploy", "99.0") == entry_modules("lmdeploy", "0.18.0")
    assert entry_modules("no-such-engine") == ()


def test_every_listed_entry_module_was_in_some_release() -> None:
    from doctor.matrix.providers import releases_with

    for found in engines():
        for entry in found.entries:
            having = releases_with(found.distribution, entry.module)
            assert having, entry.module
            assert found.package == entry.module.partition(".")[0]


def test_launches_are_known() -> None:
    assert launched("lmdeploy", None, ("serve", "api_server")) == engine("lmdeploy")
    assert launched("vllm", None, ("serve", "MODEL")) == engine("vllm")
    assert launched(None, "sglang.launch_server", ()) == engine("sglang")
    assert launched("lmdeploy", None, ("chat",)) is None
    assert launched(None, None, ()) is None


@pytest.mark.parametrize("name", ["lmdeploy", "vllm", "sglang", "transformers"])
def test_no_release_is_an_empty_row(name: str) -> None:
    covered = rows.releases(name)
    assert covered is not None
    kinds = ("architectures.default", "architectures.pytorch", "notes")
    for version in covered.versions:
        row = rows.row(name, version)
        assert row is not None
        assert any(row.get(k) for k in kinds), version
        assert len(row["wheel"]["sha256"]) == 64, version
        assert row["tags"] and row["requires"], version
        if name != "transformers":
            assert len(row["flags"]) > 15, version


def test_show_has_the_contracts_shape() -> None:
    found = release("lmdeploy", "0.11.1")
    assert found is not None
    assert (found["schema"], found["name"], found["version"], found["yanked"]) == (1, "lmdeploy", "0.11.1", False)
    assert found["flags"]["--tp"] == {"type": "int", "choices": None, "default": 1}
    assert set(found["architectures"]) == {"turbomind", "pytorch", "vision"}
    assert found["requires_python"] is None
    assert {"module": "transformers.processing_utils", "name": "ImagesKwargs", "when": "eager",
            "file": "lmdeploy/vl/model/gemma3_vl.py"} in found["imports"]  # fmt: skip
    assert "\x1b" not in text(found)
    assert release("lmdeploy", "99") is None
