"""A Helm chart as a deployment: the user's own `helm` renders it, if there is one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from doctor.cli import main

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: vlm}
spec:
  template:
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.11.0
          args: [--model, Qwen/Qwen2-VL-7B-Instruct, --no-such-flag]
"""
HELM = f"""#!{sys.executable}
import os, sys, time
words = sys.argv[1:]
assert words[:2] == ["template", "owl-chart"] and os.path.isfile(os.path.join(words[2], "Chart.yaml")), words
kind = os.environ.get("KIND")
if kind == "broken":
    sys.exit("Error: values don't meet the specifications of the schema(s)")
if kind == "endless":
    while True: print("# x" * 1000)
if kind == "late":
    time.sleep(60)
values = [open(words[n + 1]).read() for n, w in enumerate(words) if w == "--values"]
print({MANIFEST!r}.replace("--no-such-flag", "--tensor-parallel-size, '1'" if "fine: true\\n" in values else "--no-such-flag"))
"""


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chart, and a `helm` on PATH."""
    folder = tmp_path / "Owl_Chart"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("name: owl\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "helm").write_text(HELM)
    (programs / "helm").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    return folder


def check(*words: str) -> Result:
    """`qvl-doctor check` of a deployment."""
    return CliRunner().invoke(main, ["check", "--offline", "--format", "json", "--deployment", *words])


def test_a_chart_is_rendered_with_its_values(chart: Path, tmp_path: Path) -> None:
    data = json.loads(check(str(chart)).stdout)
    assert [f["code"] for f in data["findings"] if f["severity"] == "error"][:1] == ["CMD001"]
    assert data["launch"]["engine"] == "vllm" and "owl-chart.yaml" in json.dumps(data["services"])
    (tmp_path / "v.yaml").write_text("fine: true\n")
    fine = json.loads(check(str(chart), "--values", str(tmp_path / "v.yaml")).stdout)
    assert not [f for f in fine["findings"] if f["code"] == "CMD001"]


@pytest.mark.parametrize(("kind", "said"), [
    ("broken", "cannot render"), ("endless", "more than 512 KiB"), ("late", "took longer than 1 seconds"),
])  # fmt: skip
def test_what_helm_cannot_render_is_a_usage_error(chart: Path, monkeypatch: pytest.MonkeyPatch, kind: str, said: str) -> None:
    monkeypatch.setenv("KIND", kind)
    if kind == "late":
        monkeypatch.setattr("doctor.cli.request.charts.SECONDS", 1.0)
    done = check(str(chart))
    assert done.exit_code == 2 and said in done.output, done.output
    assert kind != "broken" or "values don't meet" in done.output


def test_without_helm_the_way_is_said(chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(chart))
    done = check(str(chart))
    assert done.exit_code == 2 and "`helm` is not installed here" in done.output and "helm template owl-chart" in done.output


def test_values_belong_to_a_chart(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MANIFEST)
    done = check(str(tmp_path / "a.yaml"), "--values", str(tmp_path / "a.yaml"))
    assert done.exit_code == 2 and "requires a Helm chart" in done.output
