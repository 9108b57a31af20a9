"""Health checks of Dockerfiles, compose files, `docker run` and pods: port, patience and path, and who overrides whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from doctor.findings import Finding
from doctor.launch.waiting import checks
from doctor.matrix.engines import engine_row
from tests.declared.conftest import facts_of
from tests.deployment.conftest import judged, written

CODES = ("CMD026", "CMD031", "CMD032")
SERVE = '["--model", "Qwen/Qwen2.5-VL-3B-Instruct", "--port", "8001"]'


def of_dockerfile(folder: Path, *lines: str, cmd: str = SERVE) -> list[Finding]:
    """What the rules on health checks say of a Dockerfile alone."""
    text = "\n".join(("FROM vllm/vllm-openai:v0.11.0", *lines, f"CMD {cmd}", ""))
    report = judged(requirements=(str(written(folder, text, "Dockerfile")),))
    return [f for f in report.findings if f.rule in CODES]


def said(findings: list[Finding], code: str) -> list[str]:
    return [f.message for f in findings if f.rule == code]


def test_a_dockerfile_that_asks_too_early_and_elsewhere(tmp_path: Path) -> None:
    found = of_dockerfile(tmp_path, "HEALTHCHECK --interval=10s --retries=2 CMD curl -f http://localhost:8000/health || exit 1")
    assert "after 20 s" in said(found, "CMD026")[0]
    assert said(found, "CMD031") == ["`HEALTHCHECK` checks port 8000, but vllm listens on 8001, so the container never becomes healthy"]
    early = next(f for f in found if f.rule == "CMD026")
    assert early.remediations[0].title == "add `--start-period=10m` to HEALTHCHECK"


@pytest.mark.parametrize("lines", [
    ("HEALTHCHECK --start-period=10m CMD curl -f http://localhost:8001/health",),
    ('HEALTHCHECK --start-period=600s --interval=30s CMD ["curl", "-f", "http://127.0.0.1:8001/health"]',),
    ("ENV PORT=8001", "HEALTHCHECK --start-period=10m \\", "  CMD curl -sf http://localhost:${PORT}/health || exit 1"),
    ("HEALTHCHECK --start-period=10m CMD wget -qO- http://localhost:${OTHER:-8001}/v1/models",),
    ("HEALTHCHECK CMD curl -f http://localhost:8000/nothing", "HEALTHCHECK NONE"),
    ("HEALTHCHECK --start-period=10m CMD wait-for --interval=5s --start-period=1s http://localhost:8001/health",),
    ("healthcheck --start-period=10m cmd curl -f http://localhost:$UNKNOWN/health",),
])  # fmt: skip
def test_a_dockerfile_that_is_right(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert of_dockerfile(tmp_path, *lines) == []


def test_a_health_check_of_the_stage_below_and_of_another(tmp_path: Path) -> None:
    text = (
        "FROM vllm/vllm-openai:v0.11.0 AS base\nHEALTHCHECK --start-period=10m CMD curl -f http://localhost:9/health\n"
        f"FROM python:3.12 AS other\nHEALTHCHECK CMD curl -f http://localhost:7/x\nFROM base\nCMD {SERVE}\n"
    )
    report = judged(requirements=(str(written(tmp_path, text, "Dockerfile")),))
    assert "checks port 9" in said(list(report.findings), "CMD031")[0]


def test_an_image_alone_says_nothing_of_how_it_is_started(tmp_path: Path) -> None:
    text = f"FROM vllm/vllm-openai:v0.11.0\nHEALTHCHECK --start-period=10m CMD curl -f http://localhost:8001/health\nCMD {SERVE}\n"
    report = judged(requirements=(str(written(tmp_path, text, "Dockerfile")),))
    assert not [f for f in report.findings if f.rule in ("CMD021", "CMD022", "CMD023", "CMD024", "CMD030")]


IMAGE = "HEALTHCHECK --interval=10s --retries=2 CMD curl -f http://localhost:8000/health"


@pytest.mark.parametrize(("check", "patience", "probed"), [
    (None, 20, ("HEALTHCHECK 8000 /health",)),
    ({"start_period": "10m"}, 620, ("HEALTHCHECK 8000 /health",)),
    ({"retries": 9}, 90, ("HEALTHCHECK 8000 /health",)),
    ({"test": ["CMD", "curl", "-f", "http://localhost:8001/health"], "start_period": "1m"}, 80, ("healthcheck 8001 /health",)),
    ({"disable": True}, None, ()), ({"test": ["NONE"]}, None, ()),
])  # fmt: skip
def test_a_service_over_the_image_that_it_is_built_from(tmp_path: Path, check: Any, patience: int | None, probed: tuple[str, ...]) -> None:
    """As Docker merges them: what the service leaves open is the image's."""
    written(tmp_path, f"FROM vllm/vllm-openai:v0.11.0\n{IMAGE}\nCMD {SERVE}\n", "Dockerfile")
    service = {"build": ".", "gpus": "all", **({"healthcheck": check} if check else {})}
    written(tmp_path, yaml.safe_dump({"services": {"vlm": service}}), "compose.yaml")
    box = facts_of(compose=str(tmp_path / "compose.yaml")).launch.container  # type: ignore[union-attr]
    assert box is not None and (box.patience, box.probed) == (patience, probed)
    assert box.healthcheck is (patience is not None)


@pytest.mark.parametrize(("words", "asked"), [
    (["curl", "-f", "http://localhost:8000/health"], "h 8000 /health"), (["curl -fsS http://localhost:8000/health"], "h 8000 /health"),
    (["curl", "http://localhost:8000/health"], "h 8000"), (["curl -s http://localhost:8000/x | grep ok"], "h 8000"),
    (["curl -kf https://localhost/health"], "h 443 /health"), (["curl", "--fail", "http://localhost:8000"], "h 8000 /"), (["wget", "-q", "-O", "-", "http://localhost:8000/v1/models"], "h 8000 /v1/models"),
    (["curl -f -X POST -d '{}' http://localhost:8000/v1/chat/completions"], "h 8000"),
    (["curl -f -H 'Authorization: Bearer x' http://localhost:8000/v1/models"], "h 8000 /v1/models key"),
    (["python3", "-c", "import urllib.request as r; r.urlopen('http://localhost:8000/health')"], "h 8000 /health"),
    (["python3", "-c", "import requests; requests.get('http://localhost:8000/health')"], "h 8000"),
    (["curl -f http://localhost:8000/a && curl -f http://localhost:8000/b"], "h 8000"), (["curl -f http://localhost:8000/$P"], "h 8000"),
])  # fmt: skip
def test_what_a_check_asks(words: list[str], asked: str) -> None:
    assert checks("h", words) == (asked,)


PATHS = [
    ("vllm/vllm-openai:v0.11.0", ["--model", "Qwen/Qwen2.5-VL-3B-Instruct"], 8000, "/healthz", "does not have it"),
    ("vllm/vllm-openai:v0.11.0", ["--model", "Qwen/Qwen2.5-VL-3B-Instruct"], 8000, "/health/", None),
    ("vllm/vllm-openai:v0.11.0", ["--model", "Qwen/Qwen2.5-VL-3B-Instruct"], 8000, "/v1/models", None),
    ("vllm/vllm-openai:v0.11.0", ["--model", "Qwen/Qwen2.5-VL-3B-Instruct", "--api-key", "sk-1"], 8000, "/v1/models", "only with the API key"),
    ("vllm/vllm-openai:v0.11.0", ["--model", "Qwen/Qwen2.5-VL-3B-Instruct", "--api-key", "sk-1"], 8000, "/health", None),
    ("vllm/vllm-openai:v0.11.0", ["--model", "Qwen/Qwen2.5-VL-3B-Instruct", "--root-path", "/vlm"], 8000, "/vlm/health", None),
    ("lmsysorg/sglang:v0.5.3", ["python3", "-m", "sglang.launch_server", "--model-path", "Qwen/Qwen2.5-VL-3B-Instruct"], 30000, "/health_generate", None),
    ("lmsysorg/sglang:v0.5.3", ["python3", "-m", "sglang.launch_server", "--model-path", "Qwen/Qwen2.5-VL-3B-Instruct"], 30000, "/healthcheck", "does not have it"),
    ("openmmlab/lmdeploy:v0.9.2", ["lmdeploy", "serve", "api_server", "Qwen/Qwen2-VL-2B-Instruct"], 23333, "/health", None),
    ("openmmlab/lmdeploy:v0.4.2", ["lmdeploy", "serve", "api_server", "liuhaotian/llava-v1.6-vicuna-7b"], 23333, "/health", "does not have it"),
]


@pytest.mark.parametrize(("image", "words", "port", "path", "wrong"), PATHS, ids=range(len(PATHS)))
def test_the_path_of_a_check(tmp_path: Path, image: str, words: list[str], port: int, path: str, wrong: str | None) -> None:
    check = {"test": f"curl -f http://localhost:{port}{path}", "start_period": "1h"}
    service = {"image": image, "command": words, "gpus": "all", "ipc": "host", "healthcheck": check}
    report = judged(written(tmp_path, yaml.safe_dump({"services": {"vlm": service}}), "compose.yaml"), service="vlm")
    found = said(list(report.findings), "CMD032")
    assert bool(found) == (wrong is not None)
    assert wrong is None or (wrong in found[0] and "never becomes healthy" in found[0])


@pytest.mark.parametrize(("probe", "severity", "text"), [
    ("livenessProbe", "error", "Kubernetes restarts the container forever"), ("readinessProbe", "warning", "never finds it ready"),
])  # fmt: skip
def test_the_path_of_a_pods_probe(tmp_path: Path, probe: str, severity: str, text: str) -> None:
    container = {
        "name": "vlm", "image": "vllm/vllm-openai:v0.11.0", "args": ["--model", "Qwen/Qwen2.5-VL-3B-Instruct"],
        "resources": {"limits": {"nvidia.com/gpu": 1}},
        probe: {"httpGet": {"path": "/healthz", "port": 8000}, "failureThreshold": 200},
    }  # fmt: skip
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    report = judged(written(tmp_path, yaml.safe_dump(pod)))
    found = next(f for f in report.findings if f.rule == "CMD032")
    assert found.severity == severity and text in found.message and f"`{probe}`" in found.message


def test_every_engine_has_a_path_for_health_that_needs_no_key() -> None:
    for name in ("vllm", "sglang", "lmdeploy"):
        row = engine_row(name)
        assert row.serves_path("/health") and not "/health".startswith(row.keyed) and not row.serves_path("/nothing")
