"""What a launch reaches is judged, its model's modules too; all else of the engine only on `--all-models`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import answer, distribution, doctor, lay_out

ENGINE: dict[str, str | bytes] = {
    "vllm/__init__.py": "", "vllm/entrypoints/__init__.py": "", "vllm/entrypoints/cli/__init__.py": "",
    "vllm/entrypoints/cli/main.py": "import glue\n", "vllm/model_executor/__init__.py": "",
    "vllm/model_executor/models/__init__.py": "", "vllm/model_executor/models/qwen2_vl.py": "import lacking_of_qwen\n",
    "vllm/model_executor/models/llava.py": "import lacking_of_llava\n",
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    requires = ("glue", "sidecar", "torch==2.8.0", "transformers>=4.55")
    lay_out(tmp_path / "site", distribution("vllm", "0.11.0", ENGINE, requires))
    stack = {"torch": "", "transformers": "", "glue": "", "sidecar": "import lacking_of_sidecar\n"}
    versions = {"torch": "2.8.0", "transformers": "4.57.0"}
    for name, text in stack.items():
        needs = ("torch",) if name in ("glue", "sidecar") else ()
        lay_out(tmp_path / "site", distribution(name, versions.get(name, "1.0"), {f"{name}/__init__.py": text}, needs))
    lay_out(
        tmp_path / "m",
        {"config.json": '{"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl"}'},
    )
    return tmp_path / "site"


def missing(site: Path, *words: str) -> dict[str, str]:
    """The severity of each missing module."""
    where = ("--path", str(site), "--python-version", "3.11", "--offline", "--format", "json")
    data: dict[str, Any] = answer(doctor("check", *where, *words, home=site.parent))
    found = [f for f in data["findings"] if f["code"] == "IMP002"]
    return {
        name: f["severity"]
        for f in found
        for name in ("qwen", "llava", "sidecar")
        if f"lacking_of_{name}" in f["message"]
    }


def test_the_named_model_and_nothing_else(site: Path) -> None:
    launch = ("--", "vllm", "serve", str(site.parent / "m"))
    assert missing(site, *launch) == {"qwen": "error"}
    assert missing(site, "--all-models", *launch) == {"qwen": "error", "llava": "note", "sidecar": "warning"}


def test_another_model_under_the_same_name(site: Path) -> None:
    """What is remembered of a launch is not believed of another architecture."""
    launch = ("--", "vllm", "serve", str(site.parent / "m"))
    missing(site, *launch)
    lay_out(
        site.parent / "m",
        {"config.json": '{"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava"}'},
    )
    assert missing(site, *launch) == {"llava": "error"}


def test_an_engine_without_any_known_entry(tmp_path: Path) -> None:
    """Its package is imported all the same, whatever starts it."""
    lay_out(tmp_path / "site", distribution("vllm", "0.11.0", {"vllm/__init__.py": "import lacking_of_qwen\n"}))
    assert missing(tmp_path / "site") == {"qwen": "warning"}


def test_without_a_launch_packages_beside_the_engine_are_judged(site: Path) -> None:
    assert missing(site) == {"sidecar": "warning"}


def test_another_port_is_the_same_question(site: Path) -> None:
    """What was linked for a model answers for every launch of it."""
    for port in ("8000", "8001"):
        missing(site, "--", "vllm", "serve", str(site.parent / "m"), "--port", port)
        assert len(list(site.parent.rglob("environments/*.json"))) == 1


HELPED = {
    "lmdeploy": ("0.11.1", {"lmdeploy/__init__.py": "", "lmdeploy/cli/__init__.py": "", "lmdeploy/cli/entrypoint.py": ""}),
    "transformers": ("4.57.3", {"transformers/__init__.py": "class AutoModel: ...\n"}),
    "transformers-stream-generator": ("0.0.5", {
        "transformers_stream_generator/__init__.py": "from .main import init_stream_support\n",
        "transformers_stream_generator/main.py": "from transformers import BeamSearchScorer\ndef init_stream_support(): ...\n",
    }),
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "severity"), [("Qwen/Qwen-VL-Chat-Int4", "error"), ("Qwen/Qwen2-VL-2B-Instruct", "warning")]
)
def test_a_package_that_the_models_code_needs(tmp_path: Path, model: str, severity: str) -> None:
    """Its files were not read, but it is known what they import: installed or declared, the answer is the same."""
    for name, (version, files) in HELPED.items():
        needs = ("torch", "transformers") if name.startswith("transformers-") else ()
        lay_out(tmp_path / "site", distribution(name, version, dict(files), needs))
    (tmp_path / "pins.txt").write_text("".join(f"{name}=={version}\n" for name, (version, _) in HELPED.items()))
    said = []
    for where in (("--path", "site"), ("--requirements", "pins.txt")):
        words = (*where, "--python-version", "3.11", "--offline", "--gpu", "RTX 4090", "--format", "json")
        data: dict[str, Any] = answer(
            doctor("check", *words, "--", "lmdeploy", "serve", "api_server", model, home=tmp_path)
        )
        said += [f["severity"] for f in data["findings"] if "BeamSearchScorer" in f["message"]]
    assert said == [severity, severity]
