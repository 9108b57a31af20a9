"""What `check --deployment` answers: which services, which statuses, which errors of the user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import doctor.report
from doctor.cli import main
from tests.deployment.conftest import FILES, judged, written

SCHEMA = json.loads((Path(doctor.report.__file__).parent / "check.schema.json").read_text(encoding="utf-8"))
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  containers:
  - {name: server, image: "vllm/vllm-openai:v0.11.0", args: ARGS, resources: {limits: {nvidia.com/gpu: 1}}}
---
"""


def asked(*words: str, command: str = "check") -> tuple[int, str]:
    done = CliRunner().invoke(main, [command, *(("--offline",) if command == "check" else ()), *words], env={"HOME": "/nowhere"})
    return done.exit_code, done.output


def pod(name: str, args: str = "[--model, Qwen/Qwen2-VL-2B-Instruct]") -> str:
    return POD.replace("NAME", name).replace("ARGS", args)


def test_every_service_stands_in_the_answer_and_each_finding_says_whose_it_is(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    path = written(tmp_path, pod("one") + pod("two", "[--model, m/n, --max-len, '3']"))
    status, text = asked("--gpu", "A100", "--driver", "595", "--format", "json", "--deployment", str(path))
    data = json.loads(text)
    jsonschema.validate(data, SCHEMA)
    assert status == 1 and [s["name"] for s in data["services"]] == ["one", "two"]
    assert [s["summary"]["error"] for s in data["services"]] == [0, 1]
    errors = [f for f in data["findings"] if f["severity"] == "error"]
    assert [f["service"] for f in errors] == ["two"] and errors[0]["message"].startswith("two: ")
    assert data["launch"]["found"] and sum(f["primary"] for f in data["findings"]) == 1


def test_the_table_for_people_has_a_line_for_each_service(tmp_path: Path) -> None:
    path = FILES / "kubernetes" / "two-servers.yaml"
    status, text = asked("--gpu", "A100", "--deployment", str(path))
    assert status == 1 and "small/vllm (Kubernetes Deployment): vllm" in text and "web (Kubernetes" in text
    assert "not a model server" in text


def test_one_service_can_be_named_by_its_object_its_container_or_its_kind(tmp_path: Path) -> None:
    path = FILES / "kubernetes" / "two-servers.yaml"
    for name in ("large", "deployment/large"):
        report = judged(path, service=name)
        assert [s.name for s in report.services] == ["large"]
    assert [s.name for s in judged(path, service="small").services] == ["small/vllm", "small/metrics"]
    assert [s.name for s in judged(path, service="metrics").services] == ["small/metrics"]


def test_a_name_that_no_service_has_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    status, text = asked("--deployment", str(written(tmp_path, pod("one"))), "--service", "other")
    assert status == 2 and "has no service `other`; it has `one`" in text


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("a.yaml", "a: [", 2),
        ("a.yaml", "", 4),
        ("a.yaml", "- a\n", 4),
        ("a.yaml", "kind: ConfigMap\nmetadata: {name: x}\n", 4),
        ("a.service", "[Service]\nExecStart=/usr/sbin/nginx\n", 4),
        ("a.yaml", "kind: Pod\nspec: {containers: [{name: a, image: nginx}]}\n", 4),
        ("a.yaml", "x: {{ .Values.a }}\n", 4),
    ],
)  # fmt: skip
def test_files_without_a_server_are_told_apart_from_files_that_are_none(tmp_path: Path, name: str, text: str, status: int) -> None:
    found, output = asked("--deployment", str(written(tmp_path, text, name)))
    assert found == status, output


def test_two_options_that_both_say_what_runs_exclude_each_other(tmp_path: Path) -> None:
    path = str(written(tmp_path, pod("one")))
    status, text = asked("--deployment", path, "--image", "vllm/vllm-openai:v0.11.0")
    assert status == 2 and "conflicts" in text


def test_what_others_of_the_files_hold_counts(tmp_path: Path) -> None:
    service = written(tmp_path, "kind: Service\nmetadata: {name: vllm}\nspec: {ports: [{port: 80}]}\n", "service.yaml")
    report = judged(written(tmp_path, pod("one")), service)
    assert any("VLLM_PORT" in f.message for f in report.findings)


def test_facts_and_plans_take_the_only_server(tmp_path: Path) -> None:
    path = str(written(tmp_path, pod("one") + "kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: nginx}]}\n"))
    status, text = asked("--deployment", path, command="facts")
    assert status == 0 and json.loads(text)["launch"]["engine"] == "vllm"
    status, text = asked("--deployment", path + "x", command="facts")
    assert status == 2 and "cannot be read" in text
    two = str(written(tmp_path, pod("one") + pod("two"), "two.yaml"))
    status, text = asked("--deployment", two, command="facts")
    assert status == 2 and "--service" in text


def test_a_compose_file_is_a_deployment_too(tmp_path: Path) -> None:
    text = "services:\n  a: {image: nginx}\n  b: {image: 'vllm/vllm-openai:v0.11.0', command: --model m/n --max-len 3}\n"
    report = judged(written(tmp_path, text, "compose.yaml"))
    assert [s.name for s in report.services] == ["a", "b"] and "CMD001" in {f.rule for f in report.findings}
