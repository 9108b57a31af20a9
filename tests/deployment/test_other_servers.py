"""Model servers that the rules do not cover: named for what they are, never called something else, never judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from doctor.cli import main
from tests.deployment.conftest import written

TGI = "ghcr.io/huggingface/text-generation-inference:3.3.4"
LLAMA = """\
services:
  llama:
    image: ghcr.io/ggml-org/llama.cpp:server-cuda  # theirs
    command: -m /models/Qwen2.5-VL-7B-Q4_K_M.gguf --mmproj /models/mmproj.gguf --port 8081 --api-key sk-3f9a7c52e1d84b60
    volumes: ["./models:/models"]
  web: {image: nginx}
"""


def asked(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["check", "--offline", *words], env={"HOME": "/nowhere"})
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize(("service", "name"), [
    ({"image": TGI, "command": "--model-id Qwen/Qwen2.5-VL-7B-Instruct"}, "Text Generation Inference"),
    ({"image": "ollama/ollama:0.12.3"}, "Ollama"),
    ({"image": "docker.io/ollama/ollama", "entrypoint": ["/bin/sh", "-c", "ollama serve"]}, "Ollama"),
    ({"image": "ghcr.io/ggml-org/llama.cpp:server-cuda13-b11206", "command": "-m /m/x.gguf"}, "llama.cpp"),
    ({"image": "mine:1", "command": "python3 -m llama_cpp.server --model x.gguf"}, "llama.cpp"),
    ({"image": "nvcr.io/nvidia/tritonserver:25.01-py3", "command": "tritonserver --model-repository /m"}, "Triton"),
])  # fmt: skip
def test_each_is_called_by_its_name(tmp_path: Path, service: dict[str, object], name: str) -> None:
    status, text = asked("--deployment", str(written(tmp_path, yaml.safe_dump({"services": {"one": service}}))))
    assert status == 4 and f"starts {name}" in text and "a model server that the rules do not cover" in text


def test_one_beside_a_server_that_is_covered_is_listed(tmp_path: Path) -> None:
    vllm = {"image": "vllm/vllm-openai:v0.11.0", "command": "--model Qwen/Qwen2.5-VL-3B-Instruct", "gpus": "all"}
    path = written(tmp_path, yaml.safe_dump({"services": {"a": {"image": "ollama/ollama"}, "b": vllm}}))
    status, text = asked("--gpu", "A100", "--driver", "595", "--deployment", str(path))
    assert status in (0, 1) and "a (compose service): Ollama, which the rules do not cover" in text
    data = json.loads(CliRunner().invoke(main, ["check", "--offline", "--format", "json", "--deployment", str(path)]).stdout)
    assert "starts Ollama" in data["services"][0]["why"]


@pytest.mark.parametrize("words", [["ollama", "serve"], ["docker", "run", TGI, "--model-id", "m/n"], ["llama-server", "-hf", "a/b"]])
def test_a_command_is_no_reason_to_miss_an_engine(words: list[str]) -> None:
    status, text = asked("--gpu", "A100", "--driver", "595", "--", *words)
    assert status == 4 and "a model server that the rules do not cover" in text and "PKG010" not in text


@pytest.mark.parametrize("tag", ["light-cuda", "full"])
def test_images_of_the_same_project_that_start_no_server(tmp_path: Path, tag: str) -> None:
    path = written(tmp_path, f"services: {{one: {{image: 'ghcr.io/ggml-org/llama.cpp:{tag}', command: -m x.gguf}}}}\n")
    status, text = asked("--deployment", str(path))
    assert status == 4 and "No server command found" in text


def test_a_project_with_llama_cpp_is_kept_and_gets_what_it_lacks(tmp_path: Path) -> None:
    path = written(tmp_path, LLAMA, "compose.yaml")
    told = ("fix", "--plan", "--offline", "--gpu", "RTX 4090", "--driver", "570.86", "--format", "compose")
    done = CliRunner().invoke(main, [*told, "--deployment", str(path), "--with", "gateway,metrics"])
    assert done.exit_code == 0, done.output
    own = yaml.safe_load(done.stdout)["services"]["llama"]
    assert "# theirs" in done.stdout and own["volumes"] == ["./models:/models"] and own["image"].endswith("server-cuda")
    assert own["command"][-1] == "--metrics" and "shm_size" not in own and "8081/health" in str(own["healthcheck"])
    assert own["deploy"]["resources"]["reservations"]["devices"][0]["count"] == 1
    assert "sk-3f9a" not in done.stdout and "os.environ/API_KEY" in done.stdout and "http://llama:8081/v1" in done.stdout
    assert "the rules do not know llama.cpp" in done.stdout
