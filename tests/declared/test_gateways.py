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


ADAPTER = """
services:
  vlm:
    image: openmmlab/lmdeploy:v0.11.1-cu12
    gpus: all
    ipc: host
    volumes: ["hf:/root/.cache/huggingface", "./go.sh:/go.sh"]
    ports: ["8080:8080"]
    entrypoint: [/bin/bash, /go.sh]
    environment: {LMDEPLOY_BASE_URL: "http://127.0.0.1:23333"}
  ui:
    image: ghcr.io/open-webui/open-webui:main
    environment: {OPENAI_API_BASE_URLS: "http://vlm:23333/v1;https://api.example.com/v1"}
volumes: {hf: }
"""
SCRIPT = """#!/bin/bash
lmdeploy serve api_server OpenGVLab/InternVL3-8B --server-port 23333 &
until curl -sf http://localhost:23333/health; do sleep 2; done
exec uvicorn app:app --host 0.0.0.0 --port 8080
"""


def in_front(folder: Path, script: str = SCRIPT, compose: str = ADAPTER, gateway: str | None = None) -> set[str]:
    (folder / "compose.yaml").write_text(compose, encoding="utf-8")
    (folder / "go.sh").write_text(script, encoding="utf-8")
    (folder / "nginx.conf").write_text(gateway or "", encoding="utf-8")
    declared = DeclaredRequest(compose=str(folder / "compose.yaml"), service="vlm")
    where = str(folder / "nginx.conf") if gateway else None
    report = diagnose(Request(TargetRequest(environ={}), declared=declared, environ={}, gateway=where))
    assert not [r for r in report.results if r.status == "broken"]
    assert report.facts.launch.engine == "lmdeploy"  # type: ignore[union-attr]
    return {f"{f.rule} {f.message}" for f in report.findings if f.rule in ("CMD020", "CMD027", "CMD028")}


def has(found: set[str], *words: str) -> bool:
    return any(all(w in one for w in words) for one in found)


def test_an_adapter_in_front_hides_the_death_of_the_server(tmp_path: Path) -> None:
    found = in_front(tmp_path)
    assert len(found) == 1 and has(found, "CMD028", "uvicorn app:app")
    together = SCRIPT.replace("exec uvicorn app:app --host 0.0.0.0 --port 8080", "uvicorn app:app --port 8080 &\nwait -n")
    assert in_front(tmp_path, together) == set()
    assert in_front(tmp_path, "exec lmdeploy serve api_server OpenGVLab/InternVL3-8B\n") == set()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("--server-port 23333", "--server-port 23334", ("`LMDEPLOY_BASE_URL`", "23333", "listens on 23334")),
     ("localhost:23333/health", "localhost:8000/health", ("`curl`", "8000", "listens on 23333")),
     ("exec uvicorn", "export VLM_BACKEND=http://localhost:9000\nexec uvicorn", ("`VLM_BACKEND`", "9000")),
     ("--port 8080", "--port 8080 --backend-url http://localhost:23334", ("`--backend-url`", "23334"))],
)  # fmt: skip
def test_addresses_that_the_adapter_asks(tmp_path: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    assert has(in_front(tmp_path, SCRIPT.replace(old, new)), "CMD027", *words)


def test_clients_in_other_containers(tmp_path: Path) -> None:
    wrong = ADAPTER.replace("http://vlm:23333/v1", "http://vlm:8000/v1")
    assert has(in_front(tmp_path, compose=wrong), "CMD027", "`OPENAI_API_BASE_URLS` of `ui`", "8000")
    to_adapter = ADAPTER.replace('OPENAI_API_BASE_URLS: "http://vlm:23333/v1;', 'BACKEND_URL: "http://vlm:8080/v1;')
    assert not has(in_front(tmp_path, compose=to_adapter), "CMD027")


def test_the_upstreams_of_nginx(tmp_path: Path) -> None:
    conf = "upstream llm { server vlm:23333; }\nserver { location / { proxy_pass http://llm; } }\n"
    assert not has(in_front(tmp_path, gateway=conf), "CMD027")
    assert has(in_front(tmp_path, gateway=conf.replace("23333", "8000")), "CMD027", "upstream llm", "8000")
    direct = "location / { proxy_pass http://vlm:8001/v1/; }  # proxy_pass http://vlm:1;\n"
    assert has(in_front(tmp_path, gateway=direct), "CMD027", "8001")


@pytest.mark.parametrize(
    ("target", "wanted"),
    [("vision:8000", set()), ("vision:8001", {"CMD025:port:vision:8001:warning"}), ("localhost:8001", set()),
     ("text:30001", set()), ("text:8000", {"CMD025:port:text:8000:warning"}), ("dcgm:9400", set())],
)  # fmt: skip
def test_targets_of_prometheus(tmp_path: Path, target: str, wanted: set[str]) -> None:
    text = f"scrape_configs:\n- job_name: a\n  static_configs: [{{targets: ['{target}', 'node-exporter:9100']}}]\n"
    assert found(tmp_path, TWO, text, name="prometheus.yml") == wanted


CLUSTER = """
kind: Deployment
metadata: {name: vlm}
spec:
  template:
    metadata: {labels: {app: vlm}}
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.11.0
          args: [--model, Qwen/Qwen2-VL-7B-Instruct, --port, "8001", --served-model-name, qwen]
          resources: {limits: {nvidia.com/gpu: 1}}
BESIDE
---
kind: Service
metadata: {name: vlm-api}
spec: {selector: {app: vlm}, ports: [PORTS]}
---
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: litellm, image: "ghcr.io/berriai/litellm:main-stable", env: [{name: OPENAI_API_BASE_URL, value: "http://vlm-api:CLIENT/v1"}]}
"""
ONE, NAMED = "{port: 80, targetPort: 8001}", "{name: m, port: 9400}, {name: api, port: 80, targetPort: 8001}"
SIDE = '        - {name: adapter, image: "python:3.11", command: [python3, app.py], ports: [{containerPort: 9000}]}'


def of_cluster(folder: Path, gateway: str, ports: str = ONE, beside: str = "", client: int = 80) -> set[str]:
    text = CLUSTER.replace("PORTS", ports).replace("BESIDE\n", beside and f"{beside}\n").replace("CLIENT", str(client))
    (folder / "all.yaml").write_text(text, encoding="utf-8")
    head = "model_list:\n" if gateway.startswith("- ") else ""
    (folder / "g.yaml").write_text(head + gateway, encoding="utf-8")
    declared = DeclaredRequest(deployments=(str(folder / "all.yaml"),))
    report = diagnose(Request(TargetRequest(environ={}), declared=declared, environ={}, gateway=str(folder / "g.yaml")))
    assert not [r for r in report.results if r.status == "broken"]
    return {f"{f.key}:{f.severity}" for f in report.findings if f.rule in ("CMD020", "CMD025", "CMD027")}


@pytest.mark.parametrize(("base", "model", "expected"), [
    ("http://vlm-api/v1", "qwen", set()),
    ("http://vlm-api:80/v1", "other", {"v:name:error"}),
    ("http://vlm-api.default/v1", "qwen", set()),
    ("http://vlm-api.default.svc.cluster.local:80/v1", "qwen", set()),
    ("http://vlm-api:8001/v1", "qwen", {"v:port:error"}),
    ("http://vlm/v1", "qwen", {"v:host:warning"}),
    ("http://localhost:8001/v1", "qwen", {"v:host:error"}),
    ("http://vlm-api.elsewhere:8001/v1", "qwen", set()),
])  # fmt: skip
def test_services_of_a_cluster_are_what_a_gateway_may_point_at(tmp_path: Path, base: str, model: str, expected: set[str]) -> None:
    assert of_cluster(tmp_path, entry("v", f"openai/{model}", base)) == expected


def test_several_ports_and_containers_of_one_pod(tmp_path: Path) -> None:
    right = entry("v", "openai/qwen", "http://vlm-api/v1")
    assert of_cluster(tmp_path, right, NAMED) == set() == of_cluster(tmp_path, right, ONE, SIDE)
    adapter = "{port: 80, targetPort: 9000}"
    assert of_cluster(tmp_path, right, adapter, SIDE) == set(), "the adapter answers there"
    assert of_cluster(tmp_path, right, adapter) == {"v:port:error"} | {"web:OPENAI_API_BASE_URL:80:error"}


def test_a_client_and_a_scraper_of_a_cluster(tmp_path: Path) -> None:
    right = entry("v", "openai/qwen", "http://vlm-api/v1")
    assert of_cluster(tmp_path, right, client=8000) == {"web:OPENAI_API_BASE_URL:8000:error"}
    scrape = "scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['vlm-api:%d']}]\n"
    assert of_cluster(tmp_path, scrape % 80) == set()
    assert of_cluster(tmp_path, scrape % 8001) == {"port:vlm-api:8001:warning"}
