"""Quantised checkpoints from the folder to the way out: each verdict, and each remediation taken and checked again.

The folders hold small files with the settings that real repositories have; the environments are declared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.facts import Model
from doctor.findings import Action, Finding, Report
from doctor.pipeline import Request, diagnose

VISION = {"depth": 32, "hidden_size": 1280, "num_heads": 16, "patch_size": 14}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False, "true_sequential": True}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm", "zero_point": True,
       "modules_to_not_convert": ["visual"]}  # fmt: skip
W4 = {"num_bits": 4, "type": "int", "group_size": 32, "strategy": "group", "symmetric": True, "dynamic": False}
F8 = {"num_bits": 8, "type": "float", "strategy": "channel", "symmetric": True, "dynamic": False}
QUANTISED_RULES = ("ENG003", "ENG004", "ENG007", "CMD005", "CMD006")

QWEN_VL: dict[str, Any] = {
    "architectures": ["QWenLMHeadModel"], "model_type": "qwen", "hidden_size": 4096, "num_attention_heads": 32,
    "num_hidden_layers": 32, "vocab_size": 151936, "intermediate_size": 22016, "torch_dtype": "float16",
    "auto_map": {"AutoConfig": "configuration_qwen.QWenConfig", "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel"},
    "visual": {"width": 1664, "layers": 48, "heads": 16, "output_dim": 4096}, "quantization_config": GPTQ,
}  # fmt: skip
QWEN2_5_VL: dict[str, Any] = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", "hidden_size": 3584,
    "num_attention_heads": 28, "num_key_value_heads": 4, "num_hidden_layers": 28, "intermediate_size": 18944,
    "vocab_size": 152064, "torch_dtype": "bfloat16", "vision_config": VISION, "quantization_config": AWQ,
}  # fmt: skip
QWEN3_VL: dict[str, Any] = {
    "architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl", "vision_config": VISION,
    "text_config": {"model_type": "qwen3_vl_text", "hidden_size": 4096, "num_attention_heads": 32, "head_dim": 128,
                    "num_key_value_heads": 8, "num_hidden_layers": 36, "intermediate_size": 12288,
                    "vocab_size": 151936, "dtype": "bfloat16"},
}  # fmt: skip
QWEN2: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 3584, "num_attention_heads": 28,
    "num_key_value_heads": 4, "num_hidden_layers": 28, "intermediate_size": 18944, "vocab_size": 152064,
}  # fmt: skip


def packed(weights: dict[str, Any], style: str | None, **more: Any) -> dict[str, Any]:
    """The block that compressed-tensors writes; older ones have no format in the group."""
    group = {"targets": ["Linear"], "weights": weights, "input_activations": None, **more}
    if style:
        group["format"] = style
    return {"quant_method": "compressed-tensors", "format": style or "pack-quantized", "ignore": ["lm_head"],
            "quantization_status": "compressed", "config_groups": {"group_0": group}}  # fmt: skip


class Story:
    """A folder with a model, and the check of a command in a declared environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def model(self, config: dict[str, Any], name: str = "model", quantization: dict[str, Any] | None = None) -> str:
        place = self.folder / name
        place.mkdir()
        whole = {**config, **({"quantization_config": quantization} if quantization else {})}
        (place / "config.json").write_text(json.dumps(whole), encoding="utf-8")
        return str(place)

    def check(self, pins: str, *launch: str, gpu: str | None = None) -> Report:
        path = self.folder / "requirements.txt"
        path.write_text("\n".join(pins.split()) + "\n", encoding="utf-8")
        declared = DeclaredRequest((str(path),))
        target = TargetRequest(python_version="3.11", environ={})
        return diagnose(Request(target, tuple(launch), gpu=gpu, declared=declared, environ={}))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def of(report: Report, code: str) -> list[Finding]:
    return [f for f in report.findings if f.rule == code]


def status(report: Report, code: str) -> str:
    return next(r.status for r in report.results if r.code == code)


def quiet(report: Report) -> bool:
    """Whether no rule on architecture or quantisation has an error."""
    return not [f for f in report.findings if f.rule in QUANTISED_RULES and f.severity == "error"]


def actions(finding: Finding) -> list[Action]:
    return [a for r in finding.remediations for a in r.actions]


def with_argument(launch: tuple[str, ...], action: Action) -> tuple[str, ...]:
    words = list(launch)
    if action.name in words:
        at = words.index(action.name)
        del words[at : at + 2]
    return (*words, str(action.name), action.value) if action.value else tuple(words)


def newest(specifier: str, name: str) -> str:
    from doctor.matrix import rows

    known = rows.releases(name)
    assert known is not None
    found = known.matching(specifier).newest
    assert found, f"{name}{specifier} admits nothing"
    return f"{name}=={found}"


def test_the_advice_that_breaks_it(story: Story) -> None:
    """`--backend pytorch` for Qwen-VL-Chat-Int4 on LMDeploy 0.11.1: back to TurboMind, which takes it."""
    launch = ("lmdeploy", "serve", "api_server", story.model(QWEN_VL), "--backend", "pytorch")
    (finding,) = of(story.check("lmdeploy==0.11.1", *launch), "ENG004")
    assert "`gptq`" in finding.message and "pytorch backend does not support" in finding.message
    first = finding.remediations[0].actions[0]
    assert (first.kind, first.name, first.value) == ("set_argument", "--backend", "turbomind")
    assert quiet(story.check("lmdeploy==0.11.1", *with_argument(launch, first)))
    assert quiet(story.check("lmdeploy==0.11.1", *launch[:-2])), "LMDeploy chooses TurboMind by itself"


def test_every_way_out_named_for_it_works(story: Story) -> None:
    """LMDeploy 0.14.0 has lost the architecture for TurboMind: the releases and engines named do serve it."""
    folder = story.model(QWEN_VL)
    report = story.check("lmdeploy==0.14.0", "lmdeploy", "serve", "api_server", folder)
    found = actions(of(report, "ENG004")[0])
    assert not any(a.name == "--backend" for a in found), "neither backend of 0.14.0 serves it"
    release = next(a for a in found if a.kind == "install" and a.package == "lmdeploy")
    assert release.direction == "downgrade"
    pin = newest(release.specifier or "", "lmdeploy")
    assert pin == "lmdeploy==0.13.0" and quiet(story.check(pin, "lmdeploy", "serve", "api_server", folder))
    for engine in (a.name for a in found if a.kind == "use_engine"):
        text = next(a.text or "" for a in found if a.name == engine)
        pin = newest(text.partition(f"use {engine}")[2].strip(), str(engine))
        assert quiet(story.check(pin, *serve(str(engine), folder))), text


def test_an_architecture_that_left_is_mended_with_its_quantisation(story: Story) -> None:
    """LMDeploy 0.18.0 has lost QWenLMHeadModel: the releases that only have it without GPTQ are no way out."""
    launch = ("lmdeploy", "serve", "api_server", story.model(QWEN_VL))
    report = story.check("lmdeploy==0.18.0", *launch)
    for finding in (*of(report, "ENG003"), *of(report, "ENG004")):
        release = next(a for a in actions(finding) if a.kind == "install")
        assert quiet(story.check(newest(release.specifier or "", "lmdeploy"), *launch)), release
        engines = {a.name: a.text or "" for a in actions(finding) if a.kind == "use_engine"}
        assert "sglang" not in engines, "SGLang has the architecture for text only"
    (warning,) = of(story.check("vllm==0.11.2", "vllm", "serve", launch[-1]), "ENG003")
    assert warning.severity == "warning" and "for text only" in warning.message


def serve(engine: str, folder: str) -> tuple[str, ...]:
    return ("vllm", "serve", folder) if engine == "vllm" else (
        "python", "-m", "sglang.launch_server", "--model-path", folder)  # fmt: skip


def test_a_repository_named_awq_that_holds_compressed_tensors(story: Story) -> None:
    """No LMDeploy release serves Qwen3-VL from compressed-tensors: another engine comes first, and it serves it."""
    folder = story.model(QWEN3_VL, "Qwen3-VL-32B-Thinking-AWQ-4bit", packed(W4, "pack-quantized"))
    launch = ("lmdeploy", "serve", "api_server", folder)
    (finding,) = of(story.check("lmdeploy==0.18.0", *launch), "ENG004")
    assert "`compressed-tensors`" in finding.message
    assert not [a for a in actions(finding) if a.kind == "install"], "no release of LMDeploy would do"
    engine = next(a for a in actions(finding) if a.kind == "use_engine" and a.name == "vllm")
    pin = newest((engine.text or "").partition("use vllm")[2].strip(), "vllm")
    assert quiet(story.check(pin, "vllm", "serve", folder))


def test_official_awq_is_fine_everywhere(story: Story) -> None:
    folder = story.model(QWEN2_5_VL)
    for pins in ("lmdeploy==0.11.1", "lmdeploy==0.18.0"):
        for backend in ((), ("--backend", "pytorch")):
            assert quiet(story.check(pins, "lmdeploy", "serve", "api_server", folder, *backend)), (pins, backend)
    assert quiet(story.check("vllm==0.11.2", "vllm", "serve", folder, gpu="RTX 3090:24GB:8.6"))


def collected(report: Report) -> None:
    if not (isinstance(report.facts.model, Model) and report.facts.model.config):
        pytest.skip("the settings of the model are not among the facts")


def test_a_card_of_the_turing_generation(story: Story) -> None:
    """4-bit compressed-tensors on a T4: vLLM 0.11.2 stops, 0.12.0 begins one generation earlier."""
    folder = story.model(QWEN3_VL, quantization=packed(W4, "pack-quantized"))
    launch, t4 = ("vllm", "serve", folder), "Tesla T4:16GB:7.5"
    report = story.check("vllm==0.11.2", *launch, gpu=t4)
    collected(report)
    (finding,) = of(report, "ENG007")
    assert "capability 7.5" in finding.message and "needs 8.0" in finding.message
    first = next(a for a in actions(finding) if a.kind == "install")
    assert (first.kind, first.package, first.direction) == ("install", "vllm", "upgrade")
    assert status(story.check(newest(first.specifier or "", "vllm"), *launch, gpu=t4), "ENG007") == "pass"
    assert status(story.check("vllm==0.12.0", *launch, gpu=t4), "ENG007") == "pass"
    assert status(story.check("vllm==0.11.2", *launch, gpu="RTX 3090:24GB:8.6"), "ENG007") == "pass"
    without = story.check("vllm==0.11.2", *launch)
    reason = next(r.reason for r in without.results if r.code == "ENG007")
    assert status(without, "ENG007") == "open" and "8.0" in (reason or "")


def test_two_kinds_of_fp8(story: Story) -> None:
    """TurboMind reads FP8 with scales in blocks, and none of what llm-compressor writes; vLLM reads both."""
    blocks = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128], "fmt": "e4m3"}
    channel = packed(F8, "float-quantized", input_activations={"num_bits": 8, "type": "float", "dynamic": True})
    official, other = story.model(QWEN2, "official", blocks), story.model(QWEN2, "other", channel)
    serve_ = ("lmdeploy", "serve", "api_server")
    report = story.check("lmdeploy==0.12.3", *serve_, official)
    collected(report)
    assert quiet(report)
    (finding,) = of(story.check("lmdeploy==0.12.3", *serve_, other), "ENG004")
    assert "`float-quantized`" in finding.message
    assert not any(a.kind == "set_argument" for a in actions(finding))
    for folder in (official, other):
        assert quiet(story.check("vllm==0.11.2", "vllm", "serve", folder, gpu="RTX 4090:24GB:8.9"))


def test_a_checkpoint_of_the_older_layout(story: Story) -> None:
    """No `format` in the group: TurboMind stops with a KeyError, vLLM reads it."""
    weights = {**W4, "group_size": 128}
    folder = story.model(QWEN2, quantization=packed(weights, None))
    report = story.check("lmdeploy==0.18.0", "lmdeploy", "serve", "api_server", folder)
    collected(report)
    (finding,) = of(report, "ENG004")
    assert "KeyError" in finding.message and "`format`" in finding.message
    assert quiet(story.check("vllm==0.11.2", "vllm", "serve", folder, gpu="RTX 4090:24GB:8.9"))


def test_awq_named_for_a_bfloat16_model(story: Story) -> None:
    """Qwen2.5-VL-7B-Instruct-AWQ says bfloat16: `--quantization awq` stops vLLM, and leaving it out mends it."""
    launch = ("vllm", "serve", story.model(QWEN2_5_VL), "--quantization", "awq")
    report = story.check("vllm==0.11.2", *launch, gpu="RTX 3090:24GB:8.6")
    collected(report)
    (finding,) = of(report, "CMD006")
    for remediation in finding.remediations:
        words = launch
        for action in remediation.actions:
            words = with_argument(words, action)
        assert quiet(story.check("vllm==0.11.2", *words, gpu="RTX 3090:24GB:8.6")), remediation.title


def test_a_method_that_left(story: Story) -> None:
    """GGUF left vLLM after 0.23.0; the release it left with is told, and is the way out."""
    launch = ("vllm", "serve", "./Qwen2.5-7B-Instruct-Q4_K_M.gguf")
    (finding,) = of(story.check("vllm==0.24.0", *launch), "ENG004")
    assert "0.23.0" in finding.message
    action = next(a for a in actions(finding) if a.kind == "install")
    assert action.direction == "downgrade" and newest(action.specifier or "", "vllm") == "vllm==0.23.0"
    assert quiet(story.check("vllm==0.23.0", *launch))
