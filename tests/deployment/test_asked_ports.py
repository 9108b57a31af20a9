"""Who asks at a port where the server does not listen: health checks, and what an adapter waits for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from doctor.launch.waiting import asked, local_ports
from tests.deployment.conftest import judged, written

SERVER: dict[str, Any] = {
    "image": "vllm/vllm-openai:v0.11.0", "command": ["--model", "Qwen/Qwen2.5-VL-3B-Instruct", "--port", "8001"],
    "gpus": "all", "ipc": "host", "volumes": ["hf:/root/.cache/huggingface"],
}  # fmt: skip
PATIENT = {"start_period": "60m"}


def found(folder: Path, code: str, **services: dict[str, Any]) -> list[str]:
    """What a rule says of a project."""
    text = yaml.safe_dump({"services": services, "volumes": {"hf": {}}})
    report = judged(written(folder, text, "compose.yaml"), service="vlm")
    return [f.message for f in report.findings if f.rule == code]


@pytest.mark.parametrize("test", [
    ["CMD", "curl", "-f", "http://localhost:8000/health"], "curl -f http://127.0.0.1:8000/health || exit 1",
    ["CMD-SHELL", "wget -qO- http://0.0.0.0:8000/v1/models"], ["CMD", "nc", "-z", "localhost", "8000"],
    ["CMD", "python3", "-c", "import urllib.request as r; r.urlopen('http://localhost:8000/health')"],
    ["CMD-SHELL", "bash -c '</dev/tcp/localhost/8000'"],
])  # fmt: skip
def test_a_health_check_at_another_port(tmp_path: Path, test: Any) -> None:
    said = found(tmp_path, "CMD031", vlm={**SERVER, "healthcheck": {"test": test, **PATIENT}})
    assert said and "checks port 8000, but vllm listens on 8001" in said[0] and "never becomes healthy" in said[0]


@pytest.mark.parametrize("test", [
    ["CMD", "curl", "-f", "http://localhost:8001/health"], "pgrep vllm", ["NONE"], "curl http://other:8000/",
    "curl http://localhost:8001/health && curl http://localhost:9100/metrics", "curl http://localhost:$$PORT/health",
])  # fmt: skip
def test_a_health_check_that_is_right_or_says_nothing(tmp_path: Path, test: Any) -> None:
    assert found(tmp_path, "CMD031", vlm={**SERVER, "healthcheck": {"test": test, **PATIENT}}) == []


@pytest.mark.parametrize("loop", [
    "until curl -sf http://vlm:8000/health; do sleep 1; done", "while ! nc -z vlm 8000; do sleep 1; done",
    "./wait-for-it.sh vlm:8000 -t 0", "dockerize -wait tcp://vlm:8000",
])  # fmt: skip
def test_an_adapter_that_waits_at_another_port(tmp_path: Path, loop: str) -> None:
    adapter = {"image": "python:3.11-slim", "command": ["sh", "-c", f"{loop}; exec uvicorn app:app"]}
    said = found(tmp_path, "CMD027", vlm=SERVER, adapter=adapter)
    assert len(said) == 1 and "of `adapter` connects to port 8000" in said[0] and "vllm listens on 8001" in said[0]
    right = {**adapter, "command": ["sh", "-c", f"{loop.replace('8000', '8001')}; exec uvicorn app:app"]}
    assert found(tmp_path, "CMD027", vlm=SERVER, adapter=right) == []


def test_the_script_of_an_adapter_is_read(tmp_path: Path) -> None:
    (tmp_path / "wait.sh").write_text("#!/bin/sh\nuntil curl -s http://vlm:8000/health\ndo sleep 1; done\nexec python app.py\n")
    adapter = {"image": "python:3.11-slim", "volumes": ["./wait.sh:/app/wait.sh:ro"], "entrypoint": ["/app/wait.sh"]}
    assert found(tmp_path, "CMD027", vlm=SERVER, adapter=adapter)


def test_a_word_that_only_looks_like_an_address() -> None:
    assert local_ports(["grep localhost 8000 file"]) == [] and list(asked(["echo", "localhost:8000"])) == []
    assert list(asked(["curl", "http://u:p@h:1/x"])) == [("curl", "http://h:1/x")]


def test_a_program_in_front_is_the_one_to_be_reached(tmp_path: Path) -> None:
    """Its port is published, not the server's, which may keep to the loopback; the variable with the address is its."""
    (tmp_path / "start.sh").write_text(
        'lmdeploy serve api_server "$MODEL" --server-name 127.0.0.1 &\n'
        "for i in 1 2 3; do curl -sf $LMDEPLOY_BASE_URL/health && break; sleep 5; done\n"
        "exec uvicorn main:app --host 0.0.0.0 --port 8080\n"
    )
    server = {
        "image": "openmmlab/lmdeploy:v0.9.2", "command": ["bash", "/start.sh"], "ports": ["8080:8080"], "gpus": "all",
        "volumes": ["./start.sh:/start.sh"],
        "environment": {"LMDEPLOY_BASE_URL": "http://localhost:23333", "MODEL": "Qwen/Qwen2-VL-7B-Instruct"},
    }  # fmt: skip
    for code in ("CMD022", "CMD009", "CMD027"):
        assert found(tmp_path, code, vlm=server) == []
    wrong = {**server, "environment": {**server["environment"], "LMDEPLOY_BASE_URL": "http://localhost:8000"}}
    assert "but lmdeploy listens on 23333" in found(tmp_path, "CMD027", vlm=wrong)[0]


def test_an_environment_that_is_activated_elsewhere_is_not_this_machines(tmp_path: Path) -> None:
    job = "#!/bin/bash\n#SBATCH --gpus=1\nsource /opt/nowhere/bin/activate\nsrun python -m sglang.launch_server --model-path Qwen/Qwen2.5-VL-7B-Instruct\n"
    report = judged(written(tmp_path, job, "job.sbatch"))
    assert report.facts.target.kind == "declared" and report.count("error") == 0


@pytest.mark.parametrize(("server", "client", "apart"), [
    (["back"], ["front"], True), (["back"], None, True), (None, ["front"], True), (["back", "front"], ["front"], False),
    (None, None, False), ({"back": {"aliases": ["x"]}}, {"back": None}, False), (["default"], None, False),
])  # fmt: skip
def test_a_client_in_another_network(tmp_path: Path, server: Any, client: Any, apart: bool) -> None:
    """A name of a service means something to those alone that share a network with it."""
    web: dict[str, Any] = {"image": "ghcr.io/open-webui/open-webui:main", "environment": {"OPENAI_API_BASE_URL": "http://vlm:8001/v1"}}
    vlm = SERVER if server is None else {**SERVER, "networks": server}
    web = web if client is None else {**web, "networks": client}
    said = found(tmp_path, "CMD027", vlm=vlm, web=web)
    assert len(said) == apart and all("which is not on its network" in s for s in said)


def test_a_gateway_in_another_network(tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text(
        "model_list: [{model_name: q, litellm_params: {model: openai/Qwen/Qwen2.5-VL-3B-Instruct, api_base: http://vlm:8001/v1}}]\n"
    )
    services = {"vlm": {**SERVER, "networks": ["back"]}, "gw": {"image": "ghcr.io/berriai/litellm:main", "networks": ["front"]}}
    path = written(tmp_path, yaml.safe_dump({"services": services, "volumes": {"hf": {}}}), "compose.yaml")
    report = judged(path, service="vlm", gateway=str(tmp_path / "litellm.yaml"))
    said = [f.message for f in report.findings if f.rule == "CMD020"]
    assert len(said) == 1 and "shares no network with `gw`: `back`, not `front`" in said[0]


def test_a_scraper_in_another_network(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text("scrape_configs: [{job_name: v, static_configs: [{targets: ['vlm:8001']}]}]\n")
    services = {"vlm": {**SERVER, "networks": ["back"]}, "prom": {"image": "prom/prometheus:v3.0.0"}}
    path = written(tmp_path, yaml.safe_dump({"services": services, "volumes": {"hf": {}}}), "compose.yaml")
    report = judged(path, service="vlm", gateway=str(tmp_path / "prometheus.yml"))
    assert [f.message for f in report.findings if f.rule == "CMD025"] == [
        "`vlm:8001` is scraped, but `vlm` is only on the network `back`, and the scraper is not"
    ]
