"""Files in the shapes that people publish: each is understood, and wrong where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.findings import Report
from doctor.pipeline import Request, diagnose

FILES = Path(__file__).parent / "files"


def report_of(declared: DeclaredRequest, gateway: str | None = None) -> Report:
    target = TargetRequest(python_version="3.11", environ={}, cwd=str(FILES))
    found = diagnose(Request(target, declared=declared, environ={}, gpu="A100:80GB:8.0", driver="595.80", gateway=gateway))
    assert not [r for r in found.results if r.status == "broken"]
    return found


@pytest.mark.parametrize(
    ("file", "service", "engine", "words"),
    [("web-interface/docker-compose.yml", "vllm", "vllm", ("--limit-mm-per-prompt", '{"image": 4}')),
     ("litellm-in-front/compose.yaml", "lmdeploy", "lmdeploy", ("OpenGVLab/InternVL3-8B", "--tp", "1")),
     ("host-network/compose.yml", None, "sglang", ("--port", "30000")),
     ("built-with-a-script/compose.yml", None, "vllm", ("Qwen/Qwen2.5-VL-7B-Instruct", "8001", "8192")),
     ("extends-a-base/compose.yml", None, "vllm", ("--gpu-memory-utilization", "0.8"))],
)  # fmt: skip
def test_compose_projects(file: str, service: str | None, engine: str, words: tuple[str, ...]) -> None:
    gateway = FILES / file.partition("/")[0] / "litellm.yaml"
    report = report_of(DeclaredRequest(compose=file, service=service), str(gateway) if gateway.exists() else None)
    launch = report.facts.launch
    assert launch.engine == engine and set(words) <= set(launch.argv)  # type: ignore[union-attr]
    assert report.count("error") == 0


@pytest.mark.parametrize(
    ("file", "wanted"),
    [("project-with-extras/pyproject.toml", "transformers 4.52.4"), ("conda-with-pip/environment.yml", "ImagesKwargs"),
     ("constraints-and-wheel/requirements.txt", None), ("ranges-alone/requirements.txt", None), ("pipfile/Pipfile", None)],
)  # fmt: skip
def test_lists_of_packages(file: str, wanted: str | None) -> None:
    errors = [f.message for f in report_of(DeclaredRequest((file,))).findings if f.severity == "error"]
    assert any(wanted in m for m in errors) if wanted else not errors
