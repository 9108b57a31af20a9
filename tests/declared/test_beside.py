"""Containers, gateways and scrapers from their files to the findings, and the corrected files checked again."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from doctor.cli import main
from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.findings import Report
from doctor.pipeline import Request, diagnose
from tests.declared.conftest import Write

COMPOSE = """
services:
  server:
    image: lmsysorg/sglang:v0.5.3
    command: python3 -m sglang.launch_server --model-path Qwen/Qwen2.5-VL-7B-Instruct --tp 2
    ports: ["8000:8000"]
"""
MENDED = """
services:
  server:
    image: lmsysorg/sglang:v0.5.3
    command: >
      python3 -m sglang.launch_server --model-path Qwen/Qwen2.5-VL-7B-Instruct --tp 2 --host 0.0.0.0 --port 8000
    ports: ["8000:8000"]
    ipc: host
    volumes: ["~/.cache/huggingface:/root/.cache/huggingface"]
    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}
"""
LITELLM = """
model_list:
- model_name: qwen
  litellm_params: {model: openai/qwen2.5-vl, api_base: "http://localhost:8000"}
"""
LITELLM_MENDED = """
model_list:
- model_name: qwen
  litellm_params: {model: openai/Qwen/Qwen2.5-VL-7B-Instruct, api_base: "http://server:8000/v1"}
"""


def check(compose: Path, gateway: Path | None = None) -> Report:
    target = TargetRequest(environ={})
    declared = DeclaredRequest(compose=str(compose), service="server")
    return diagnose(Request(target, declared=declared, environ={}, gateway=str(gateway) if gateway else None))


def codes(report: Report) -> set[str]:
    assert not [r for r in report.results if r.status == "broken"]
    return {f"{f.rule}:{f.key}" if f.key else f.rule for f in report.findings if f.rule.startswith("CMD02")}


def test_a_service_that_nobody_can_use(write: Write) -> None:
    found = codes(check(write(compose__yaml=COMPOSE)))
    assert found == {"CMD021", "CMD022:address", "CMD022:port", "CMD023", "CMD024"}


def test_the_same_service_mended(write: Write) -> None:
    assert codes(check(write(compose__yaml=MENDED))) == set()


def test_a_gateway_that_asks_amiss(write: Write) -> None:
    compose = write(compose__yaml=MENDED)
    found = codes(check(compose, write(litellm__yaml=LITELLM)))
    assert found == {"CMD020:qwen:path", "CMD020:qwen:name"}, "the port is published on the host"
    assert codes(check(compose, write(litellm__yaml=LITELLM_MENDED))) == set()
    beside = write(compose__yaml=MENDED + "  proxy: {image: 'ghcr.io/berriai/litellm:main-stable'}\n")
    assert codes(check(beside, write(litellm__yaml=LITELLM))) == {"CMD020:qwen:host"}


def test_a_scraper_without_metrics(write: Write) -> None:
    scraper = write(prometheus__yml="scrape_configs:\n- static_configs: [{targets: ['server:8000']}]\n")
    assert codes(check(write(compose__yaml=MENDED), scraper)) == {"CMD025:switch"}
    switched = MENDED.replace("--port 8000", "--port 8000 --enable-metrics")
    assert codes(check(write(compose__yaml=switched), scraper)) == set()


@pytest.mark.parametrize(
    ("settings", "early"),
    [("", True), (", start_period: 30s, interval: 10s", True), (", start_period: 10m", False),
     (", interval: 1m30s, retries: 5", False), (", start_period: 1h2m3s", False), (", disable: true", False)],
)  # fmt: skip
def test_a_health_check(write: Write, settings: str, early: bool) -> None:
    check_ = f"    healthcheck: {{test: [CMD, curl, -f, 'http://localhost:8000/health']{settings}}}\n"
    found = codes(check(write(compose__yaml=MENDED + check_)))
    assert found == ({"CMD026"} if early else set())


@pytest.mark.parametrize("text", ["a: 1", "[", "model_list: []"])
def test_a_file_that_is_no_gateway_is_told(write: Write, text: str) -> None:
    report = check(write(compose__yaml=MENDED), write(other__yaml=text))
    result = next(r for r in report.results if r.code == "CMD020")
    assert result.status in ("open", "notApplicable") and result.reason


def test_the_option_of_the_command_line(write: Write) -> None:
    compose, gateway = write(compose__yaml=MENDED), write(litellm__yaml=LITELLM)
    run = CliRunner().invoke(main, ["check", "--compose", str(compose), "--service", "server",
                                    "--gateway", str(gateway), "--select", "CMD020"])  # fmt: skip
    assert run.exit_code == 1 and "CMD020" in run.output and "/v1" in run.output
