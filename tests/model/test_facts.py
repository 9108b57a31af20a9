"""What is read of a model's folder: configuration, quantisation, weights, code."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doctor.collect.model import ModelRequest, launched_model
from doctor.collect.model.parts import part
from doctor.collect.model.quantization import quantization
from doctor.facts import NOT_REQUESTED, Container, Launch, Model, QuantizationGroup, Unavailable, Weights
from doctor.facts.codec import from_json, to_json
from tests.model.files import OWL, owl, safetensors


def read(folder: Path, **options: Any) -> Model:
    found = launched_model(NOT_REQUESTED, ModelRequest({}, named=str(folder), use_cache=False, **options))
    assert isinstance(found, Model), found
    return found


def weights(model: Model) -> Weights:
    assert isinstance(model.weights, Weights), model.weights
    return model.weights


def test_a_whole_model(tmp_path: Path) -> None:
    model = read(owl(tmp_path / "owl"))
    assert (model.architectures, model.model_type, model.source) == (("OwlForCausalLM",), "owl_vl", "folder")
    assert model.remote_code == ("AutoConfig", "AutoModelForCausalLM") and model.tokenizer and model.chat_template
    assert model.processor and not model.problems
    found = weights(model)
    assert found.total == sum(found.by_dtype.values()) == sum(found.by_part.values()) == 3432
    assert found.by_dtype == {"BF16": 128 + 64 + 1600 + 1600, "I32": 32, "F16": 8}
    assert found.by_part == {"visual": 192, "model.embed_tokens": 1600, "model.layers": 40, "lm_head": 1600}
    assert found.files[0].expected == found.files[0].size == (tmp_path / "owl/model.safetensors").stat().st_size
    assert from_json(Model, to_json(model), "model") == model, "it can be saved and read again"


def test_its_code_is_followed_and_read(tmp_path: Path) -> None:
    code = read(owl(tmp_path / "owl")).code
    assert code is not None and not code.problems and not code.missing
    assert code.classes == {"AutoConfig": "configuration_owl.OwlConfig", "AutoModelForCausalLM": "modeling_owl.OwlModel",
                            "AutoTokenizer": "tokenization_owl.OwlTokenizer"}  # fmt: skip
    assert set(code.files) == {"configuration_owl.py", "modeling_owl.py", "eyes_owl.py", "tokenization_owl.py"}
    assert code.beside["modeling_owl.py"] == ("configuration_owl.py", "eyes_owl.py")
    by = {(i.file, i.module, i.name): i for i in code.imports}
    assert by["eyes_owl.py", "einops", None].line == 1
    assert by["modeling_owl.py", "flash_attn", None].guarded and not by["modeling_owl.py", "flash_attn", None].checked
    assert by["modeling_owl.py", "owl_stream", "Generator"].checked == ("text", "text-flash", "tree-flash", "tree")
    assert [(a.line, a.what) for a in code.acts] == [(21, "files")]


def test_code_of_another_repository(tmp_path: Path) -> None:
    reference = {"auto_map": {"AutoConfig": "owls/nest--configuration_owl.OwlConfig"}}
    folder = owl(tmp_path / "copy", **reference)
    code = read(folder).code
    assert code is not None and "owls/nest--configuration_owl.py" in code.missing
    owl(tmp_path / "hf/hub/models--owls--nest/snapshots/0123456789")
    found = launched_model(NOT_REQUESTED, ModelRequest({"HF_HOME": str(tmp_path / "hf")}, named=str(folder), use_cache=False))
    assert isinstance(found, Model) and found.code and "owls/nest--configuration_owl.py" in found.code.files
    again = launched_model(NOT_REQUESTED, ModelRequest({"HF_HOME": str(tmp_path / "hf")}, named="owls/nest", use_cache=False))
    assert isinstance(again, Model) and again.source == "cache" and again.revision == "0123456789"


GROUP = QuantizationGroup
CASES: list[tuple[dict[str, Any], str, QuantizationGroup | None, dict[str, Any]]] = [
    ({"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": True, "sym": False}, "gptq",
     GROUP(4, "int", 128, False, "group"), {"act_order": True}),
    ({"quant_method": "awq", "bits": 4, "group_size": 64, "zero_point": True, "version": "gemm", "modules_to_not_convert": ["visual"]},
     "awq", GROUP(4, "int", 64, False, "group", "gemm"), {"ignored": ("visual",)}),
    ({"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}, "fp8",
     GROUP(8, "float", None, None, "block", "e4m3", (128, 128), True), {}),
    ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "bitsandbytes", GROUP(4, "float"), {}),
    ({"load_in_8bit": True}, "bitsandbytes", GROUP(8, "int"), {}),
    ({"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}, "mxfp4", GROUP(4, "float"), {"ignored": ("lm_head",)}),
    ({"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16, "kv_cache_quant_algo": "FP8"}, "modelopt",
     GROUP(4, "float", 16, None, "group", None, None, True), {"kv_bits": 8}),
    ({"quant_method": "compressed-tensors", "format": "pack-quantized", "ignore": ["lm_head", "re:.*visual.*"],
      "kv_cache_scheme": {"num_bits": 8, "type": "float"},
      "config_groups": {"group_0": {"targets": ["Linear"], "input_activations": None, "weights": {
          "num_bits": 4, "type": "int", "group_size": 32, "symmetric": True, "strategy": "group", "actorder": "group"}}}},
     "compressed-tensors", GROUP(4, "int", 32, True, "group", "pack-quantized", None, False, ("Linear",)),
     {"ignored": ("lm_head", "re:.*visual.*"), "kv_bits": 8, "act_order": True}),
    ({"quant_method": "compressed-tensors", "config_groups": {"g": {"format": "float-quantized", "input_activations": {"num_bits": 8},
      "weights": {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": "128x64", "actorder": None}}}},
     "compressed-tensors", GROUP(8, "float", None, None, "block", "float-quantized", (128, 64), True), {"act_order": False}),
    ({"config_groups": {"g": {"weights": {"num_bits": 8, "type": "float"}}}}, "", GROUP(8, "float"), {}),
    ({"quant_method": "awq", "bits": "four", "group_size": [1], "zero_point": 1}, "awq", GROUP(None, "int"), {}),
    ({"quant_method": ["awq"]}, "", None, {}),
]  # fmt: skip


@pytest.mark.parametrize(("block", "method", "group", "more"), CASES, ids=[str(i) for i in range(len(CASES))])
def test_quantisation_blocks(block: dict[str, Any], method: str, group: QuantizationGroup | None, more: dict[str, Any]) -> None:
    found = quantization(block, "", "config.json")
    assert found.method == method and (found.groups or (None,))[0] == group
    for name, value in more.items():
        assert getattr(found, name) == value


@pytest.mark.parametrize("key", ["text_config", "llm_config"])
def test_the_block_may_stand_in_the_language_model(tmp_path: Path, key: str) -> None:
    folder = owl(tmp_path / "m", **{key: {"quantization_config": {"quant_method": "fp8"}}})
    found = read(folder).quantization
    assert found is not None and found.method == "fp8"


@pytest.mark.parametrize(
    ("name", "content", "method"),
    [("quantize_config.json", {"bits": 4, "group_size": 128, "desc_act": False, "sym": True}, "gptq"),
     ("quant_config.json", {"zero_point": True, "q_group_size": 128, "w_bit": 4, "version": "GEMM"}, "awq"),
     ("hf_quant_config.json", {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8", "exclude_modules": ["lm_head"]}}, "modelopt")],
)  # fmt: skip
def test_files_beside_the_configuration(tmp_path: Path, name: str, content: dict[str, Any], method: str) -> None:
    folder = owl(tmp_path / "Owl-GPTQ-Int4-AWQ-FP8")
    assert read(folder).quantization is None, "a name is no evidence"
    (folder / name).write_text(json.dumps(content))
    found = read(folder).quantization
    assert found is not None and (found.method, found.source) == (method, name) and found.groups[0].bits in (4, 8)


def test_shards_of_an_index(tmp_path: Path) -> None:
    folder = owl(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    names = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    for number, name in enumerate(names[:2]):
        safetensors(folder / name, {f"model.layers.{number}.weight": ("BF16", [64])})
    table = {f"model.layers.{n}.weight": name for n, name in enumerate(names)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 384}, "weight_map": table}))
    found = weights(read(folder))
    assert found.missing == (names[2],) and found.total is None and found.declared == 384
    safetensors(folder / names[2], {"model.layers.2.weight": ("BF16", [64])})
    (folder / "stray.safetensors").write_bytes(b"not of the index")
    found = weights(read(folder))
    assert (found.missing, found.total, len(found.files)) == ((), 384, 3)


@pytest.mark.parametrize(("cut", "grow", "fault"), [(1, 0, "truncated"), (0, 5, "damaged"), (0, 0, None)])
def test_a_file_is_as_long_as_its_header_says(tmp_path: Path, cut: int, grow: int, fault: str | None) -> None:
    folder = owl(tmp_path / "m")
    safetensors(folder / "model.safetensors", OWL, cut=cut, grow=grow)
    found = weights(read(folder))
    assert found.files[0].fault == fault and (found.total is None) == (fault is not None)


def test_pointers_of_git_lfs(tmp_path: Path) -> None:
    folder = owl(tmp_path / "m")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 9731786240\n"
    (folder / "model.safetensors").write_text(pointer)
    found = weights(read(folder))
    assert found.files[0].fault == "pointer" and "git-lfs" in found.problems[0].message


def test_other_formats_are_sizes_only(tmp_path: Path) -> None:
    folder = owl(tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "consolidated.safetensors")
    assert weights(read(folder)).files[0].name == "consolidated.safetensors"
    (folder / "consolidated.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/owl-was-here'\ntR.")
    (folder / "training_args.bin").write_bytes(b"x")
    found = weights(read(folder))
    assert (found.format, [f.name for f in found.files], found.total) == ("bin", ["pytorch_model.bin"], 42)
    value = b"general.architecture"
    body = len(value).to_bytes(8, "little") + value + (8).to_bytes(4, "little") + (7).to_bytes(8, "little") + b"qwen2vl"
    (tmp_path / "owl.gguf").write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + (1).to_bytes(8, "little") + body)
    model = read(tmp_path / "owl.gguf")
    assert (weights(model).format, weights(model).architecture) == ("gguf", "qwen2vl")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("visual.blocks.3.attn.qkv.weight", "visual"), ("model.visual.merger.mlp.0.bias", "model.visual"),
     ("model.language_model.layers.7.mlp.gate_proj.weight", "model.language_model.layers"),
     ("model.layers.0.self_attn.q_proj.qweight", "model.layers"), ("lm_head.weight", "lm_head"),
     ("transformer.visual.transformer.resblocks.0.ln_1.weight", "transformer.visual"), ("transformer.h.0.attn.c_attn.qweight", "transformer.h"),
     ("model.embed_tokens.weight", "model.embed_tokens"), ("vision_tower.encoder.layers.0.norm1.weight", "vision_tower"), ("scale", "scale")],
)  # fmt: skip
def test_parts(name: str, expected: str) -> None:
    assert part(name) == expected


def test_the_launch_names_it(tmp_path: Path) -> None:
    owl(tmp_path / "m")
    launch = Launch(("lmdeploy", "serve", "api_server", "m", "--tp", "2"), engine="lmdeploy", workdir=str(tmp_path))
    found = launched_model(launch, ModelRequest({}, use_cache=False))
    assert isinstance(found, Model) and found.named == "m"
    other = Launch(("vllm", "serve", "owls/owl"), engine="vllm", workdir=str(tmp_path))
    absent = launched_model(other, ModelRequest({"HF_HOME": str(tmp_path)}, use_cache=False))
    assert isinstance(absent, Unavailable) and "--model owls/owl" in absent.detail, "a launch alone asks no hub"


@pytest.mark.parametrize(
    ("volume", "word", "environ"),
    [("{here}/models:/models:ro", "/models/m", {}), ("{here}:/data", "/data/models/m", {}),
     ("{here}/models:/models", "/models/./m/", {}), ("./models:/models", "/models/m", {}),
     ("{here}/hf:/root/.cache/huggingface", "owls/owl", {}), ("{here}/hf:/cache", "owls/owl", {"HF_HOME": "/cache"})],
)  # fmt: skip
def test_a_container_sees_what_is_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, volume: str, word: str, environ: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    owl(tmp_path / "models/m")
    owl(tmp_path / "hf/hub/models--owls--owl/snapshots/0123456789")
    volumes = ("named:/models", "/nowhere:/", volume.format(here=tmp_path))
    launch = Launch(("vllm", "serve", word), engine="vllm", container=Container("docker run", volumes=volumes), environ=environ)
    found = launched_model(launch, ModelRequest({"HF_HOME": str(tmp_path / "other")}, use_cache=False))
    assert isinstance(found, Model) and found.named == word and found.path.startswith(str(tmp_path))
    alone = replace(launch, container=Container("docker run", volumes=("named:/models",)))
    assert isinstance(launched_model(alone, ModelRequest({"HF_HOME": str(tmp_path / "other")}, use_cache=False)), Unavailable)


def test_it_is_remembered_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = owl(tmp_path / "m")
    time.sleep(0.05)  # nothing is kept of a file that changed within a tick of the clock
    first = launched_model(NOT_REQUESTED, ModelRequest({}, named=str(folder)))
    assert list((tmp_path / "cache/qvl-doctor/models").glob("*.json")) and first == launched_model(NOT_REQUESTED, ModelRequest({}, named=str(folder)))
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(1000)
    changed = launched_model(NOT_REQUESTED, ModelRequest({}, named=str(folder)))
    assert isinstance(changed, Model) and weights(changed).files[0].fault == "truncated"
    (folder / "eyes_owl.py").unlink()
    gone = launched_model(NOT_REQUESTED, ModelRequest({}, named=str(folder)))
    assert isinstance(gone, Model) and gone.code and gone.code.missing == ("eyes_owl.py",)


def test_thirty_shards_are_read_once_and_then_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = owl(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    for number in range(30):
        tensors = {f"model.layers.{number}.block.{n}.weight": ("BF16", [4, 4]) for n in range(900)}
        safetensors(folder / f"model-{number}.safetensors", tensors)
    assert (folder / "model-0.safetensors").stat().st_size > 60_000
    launched_model(NOT_REQUESTED, ModelRequest({}, named=str(folder)))
    best = min(_seconds(folder) for _ in range(5))
    assert best < 0.05, f"a warm reading took {best * 1000:.0f} ms"


def _seconds(folder: Path) -> float:
    began = time.perf_counter()
    found = launched_model(NOT_REQUESTED, ModelRequest(dict(os.environ), named=str(folder)))
    assert isinstance(found, Model) and weights(found).total == 30 * 900 * 32
    return time.perf_counter() - began
