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
    lay_out(tmp_path / "m", {"config.json": '{"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl"}'})
    return tmp_path / "site"


def missing(site: Path, *words: str) -> dict[str, str]:
    """The severity of each missing module."""
    where = ("--path", str(site), "--python-version", "3.11", "--offline", "--format", "json")
    data: dict[str, Any] = answer(doctor("check", *where, *words, home=site.parent))
    found = [f for f in data["findings"] if f["code"] == "IMP002"]
    return {name: f["severity"] for f in found for name in ("qwen", "llava", "sidecar") if f"lacking_of_{name}" in f["message"]}


def test_the_named_model_and_nothing_else(site: Path) -> None:
    launch = ("--", "vllm", "serve", str(site.parent / "m"))
    assert missing(site, *launch) == {"qwen": "error"}
    assert missing(site, "--all-models", *launch) == {"qwen": "error", "llava": "note", "sidecar": "warning"}


def test_another_model_under_the_same_name(site: Path) -> None:
    """What is remembered of a launch is not believed of another architecture."""
    launch = ("--", "vllm", "serve", str(site.parent / "m"))
    missing(site, *launch)
    lay_out(site.parent / "m", {"config.json": '{"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava"}'})
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
