"""Gateways and clients against the whole deployment: files in, findings out."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.pipeline import Request, diagnose

GPU = "gpus: all\n    ipc: host\n    volumes: ['hf:/root/.cache/huggingface']"
TWO = f"""
services:
  vision:
    image: vllm/vllm-openai:v0.11.0
    command: --model Qwen/Qwen2.5-VL-7B-Instruct --served-model-name qwen-vl --api-key sk-one
    container_name: vision-1
    ports: ["8001:8000"]
    {GPU}
  text:
    image: lmsysorg/sglang:v0.5.3
    command: python3 -m sglang.launch_server --model-path Qwen/Qwen2.5-7B-Instruct --host 0.0.0.0 --port 30001
    {GPU}
  proxy:
    image: ghcr.io/berriai/litellm:main-stable
    environment: {{VLM_BASE: "http://vision:8000/v1", OTHER: "http://text:8000/v1"}}
volumes: {{hf: }}
"""
ONLY = TWO.replace("  proxy:\n    image: ghcr.io/berriai/litellm:main-stable", "  web:\n    image: nginx:1.27")


def entry(name: str, model: str, base: str, key: str = "api_key: sk") -> str:
    return f"- model_name: {name}\n  litellm_params: {{model: {model}, api_base: {base!r}, {key}}}\n"


def found(folder: Path, compose: str, gateway: str | None = None, service: str = "vision", name: str = "g.yaml") -> set[str]:
    (folder / "compose.yaml").write_text(compose, encoding="utf-8")
    if gateway is not None:
        (folder / name).write_text(gateway, encoding="utf-8")
    declared = DeclaredRequest(compose=str(folder / "compose.yaml"), service=service)
    where = str(folder / name) if gateway is not None else None
    report = diagnose(Request(TargetRequest(environ={}), declared=declared, environ={}, gateway=where))
    assert not [r for r in report.results if r.status == "broken"]
    return {f"{f.rule}:{f.key}:{f.severity}" for f in report.findings if f.rule in ("CMD020", "CMD025", "CMD027")}


ENTRIES = [
    (entry("v", "hosted_vllm/qwen-vl", "http://vision:8000/v1"), set()),
    (entry("v", "hosted_vllm/qwen-vl", "http://vision-1:8000/v1"), set()),
    (entry("v", "hosted_vllm/qwen-vl", "http://host.docker.internal:8001/v1"), set()),
    (entry("v", "hosted_vllm/qwen-vl", "http://vision:8001/v1"), {"v:port:error"}),
    (entry("v", "hosted_vllm/qwen", "http://vision:8000/v1"), {"v:name:error"}),
    (entry("v", "hosted_vllm/qwen-vl", "http://vision:8000"), {"v:path:error"}),
    (entry("v", "hosted_vllm/qwen-vl", "http://vision:8000/v1", "rpm: 5"), {"v:key:error"}),
    (entry("v", "hosted_vllm/qwen-vl", "http://vison:8000/v1"), {"v:host:error"}),
    (entry("v", "hosted_vllm/qwen-vl", "http://localhost:8000/v1"), {"v:host:error"}),
    (entry("v", "hosted_vllm/qwen-vl", "os.environ/VLM_BASE"), set()),
    (entry("t", "openai/Qwen/Qwen2.5-7B-Instruct", "os.environ/OTHER"), {"t:port:error"}),
    (entry("t", "openai/Qwen/Qwen2.5-7B-Instruct", "http://text:30001/v1"), set()),
    (entry("t", "openai/qwen-vl", "http://text:30001/v1"), {"t:name:error"}),
    (entry("*", "hosted_vllm/*", "http://vision:8000/v1"), set()),
    (entry("c", "openai/gpt-4o", "https://api.example.com/v1"), set()),
]


@pytest.mark.parametrize(("text", "wanted"), ENTRIES, ids=range(len(ENTRIES)))
def test_an_entry_against_the_service_that_its_address_names(tmp_path: Path, text: str, wanted: set[str]) -> None:
    assert found(tmp_path, TWO, f"model_list:\n{text}") == {f"CMD020:{w}" for w in wanted}


def test_two_servers_in_one_file(tmp_path: Path) -> None:
    both = entry("v", "hosted_vllm/qwen-vl", "http://vision:8000/v1") + ENTRIES[11][0]
    for service in ("vision", "text"):
        assert found(tmp_path, TWO, f"model_list:\n{both}", service) == set()


def test_a_gateway_on_the_host(tmp_path: Path) -> None:
    assert found(tmp_path, ONLY, "model_list:\n" + entry("v", "openai/qwen-vl", "http://localhost:8001/v1")) == set()
    lost = found(tmp_path, ONLY, "model_list:\n" + entry("v", "openai/qwen-vl", "http://localhost:8000/v1"))
    assert lost == {"CMD020:v:host:warning"}


def test_names_that_fallbacks_and_aliases_point_to(tmp_path: Path) -> None:
    listed = "model_list:\n" + ENTRIES[0][0]
    settings = "litellm_settings: {fallbacks: [{v: [gone]}], default_fallbacks: [v]}\nrouter_settings: {model_group_alias: {a: v, b: lost}}\n"
    assert found(tmp_path, TWO, listed + settings) == {"CMD020:fallbacks:gone:warning", "CMD020:model_group_alias:lost:warning"}
    wild = "model_list:\n" + ENTRIES[13][0]
    assert found(tmp_path, TWO, wild + settings) == set()


def test_a_command_alone_and_a_gateway_with_two_servers(tmp_path: Path) -> None:
    both = entry("a", "hosted_vllm/m-a", "http://a:8000/v1") + entry("b", "hosted_vllm/m-b", "http://b:8000/v1")
    (tmp_path / "g.yaml").write_text(f"model_list:\n{both}")

    def codes(name: str) -> set[str]:
        words = ("vllm", "serve", "Q", "--served-model-name", name)
        asked = Request(TargetRequest(environ={}), words, declared=DeclaredRequest(image="vllm/vllm-openai:v0.11.0"), environ={}, gateway=str(tmp_path / "g.yaml"))
        report = diagnose(asked)
        return {f"{f.key}" for f in report.findings if f.rule == "CMD020"} | {r.status for r in report.results if r.code == "CMD020"}

    assert codes("m-a") == {"pass"} and codes("m-b") == {"pass"} and codes("other") == {"open"}
