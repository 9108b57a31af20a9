"""A fix for a file names the line to edit; carried out as the JSON has it, the file passes our own check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import answer, doctor, found

MODEL = "Qwen/Qwen2.5-VL-3B-Instruct"
BAD, GOOD = "--limit-mm-per-prompt image:3", """--limit-mm-per-prompt '{"image":3}'"""
COMPOSE = """\
services:
  web:
    image: nginx:1.27
  vllm:
    image: vllm/vllm-openai:v0.11.0
    ipc: host
    volumes: ["cache:/root/.cache/huggingface"]
    deploy: {{resources: {{reservations: {{devices: [{{driver: nvidia, count: all, capabilities: [gpu]}}]}}}}}}
    command: {command}
volumes: {{cache: {{}}}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: vllm}
spec:
  containers:
  - name: vllm
    image: vllm/vllm-openai:v0.11.0
    args:
    - --model
    - MODEL
    - --limit-mm-per-prompt
    - image:3
    resources: {limits: {nvidia.com/gpu: 1}}
""".replace("MODEL", MODEL)
SCRIPT = f"""\
#!/bin/bash
#SBATCH --gres=gpu:1
# {BAD} was wrong, too
export HF_HOME=/data
vllm serve {MODEL} \\
  {BAD} \\
  --port 8000
"""
FILES: dict[str, tuple[str, str, tuple[str, ...], int]] = {
    "compose, folded": ("compose.yaml", COMPOSE.format(command=f">\n      --model {MODEL}\n      {BAD}"), ("--compose", "{}"), 11),
    "compose, one line": ("compose.yaml", COMPOSE.format(command=f"--model {MODEL} {BAD}"), ("--compose", "{}"), 9),
    "compose, in quotes": ("compose.yaml", COMPOSE.format(command=f'"--model {MODEL} {BAD}"'), ("--compose", "{}"), 9),
    "compose, a list": (
        "compose.yaml", COMPOSE.format(command=f'["--model", "{MODEL}", "--limit-mm-per-prompt", "image:3"]'),
        ("--compose", "{}"), 9,
    ),
    "a pod": ("pod.yaml", POD, ("--deployment", "{}"), 12),
    "a batch script": ("job.sh", SCRIPT, ("--requirements", "r.txt", "--", "bash", "{}"), 6),
    "a Dockerfile": (
        "Dockerfile", f'FROM vllm/vllm-openai:v0.11.0\nENV A=1\nCMD ["--model", "{MODEL}", "--limit-mm-per-prompt", "image:3"]\n',
        ("--requirements", "{}"), 3,
    ),
}  # fmt: skip


def check(folder: Path, words: tuple[str, ...], name: str, *more: str) -> dict[str, Any]:
    given = tuple(word.format(name) for word in words)
    front = ("check", "--offline", "--gpu", "A100", "--format", "json", *more)
    return answer(doctor(*front, *given, home=folder))


def launch_of(data: dict[str, Any]) -> dict[str, Any]:
    """What is said of the launch; of the one service of a deployment."""
    services = data.get("services") or []
    return next((s["launch"] for s in services if s.get("launch")), data["launch"])


def carried_out(text: str, edits: list[dict[str, Any]]) -> str:
    """The text with the regions replaced, the last one first."""
    lines = text.split("\n")
    for one in sorted(edits, key=lambda e: (e["line"], e["column"]), reverse=True):
        line = lines[one["line"] - 1]
        assert line[one["column"] - 1 : one["end_column"] - 1].strip(" ,") == one["old"] or not one["new"]
        lines[one["line"] - 1] = line[: one["column"] - 1] + one["new"] + line[one["end_column"] - 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize("how", FILES)
def test_the_edit_makes_the_file_right(tmp_path: Path, how: str) -> None:
    name, text, words, line = FILES[how]
    (tmp_path / name).write_text(text)
    (tmp_path / "r.txt").write_text("vllm==0.11.0\ntransformers==4.57.1\ntorch==2.8.0\n")
    before = check(tmp_path, words, name)
    assert found(before, "CMD003"), before["findings"]
    edits = launch_of(before)["edits"]
    assert [(e["path"], e["line"]) for e in edits] == [(name, line)]
    (tmp_path / name).write_text(carried_out(text, edits))
    after = check(tmp_path, words, name)
    assert not found(after, "CMD003") and launch_of(after)["edits"] == []
    assert {f["code"] for f in after["findings"]} <= {f["code"] for f in before["findings"]}


def test_it_is_said_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text(SCRIPT)
    (tmp_path / "r.txt").write_text("vllm==0.11.0\n")
    said = doctor("check", "--offline", "--gpu", "A100", "--requirements", "r.txt", "--", "bash", "job.sh", home=tmp_path).stdout
    assert f"edit job.sh:6: replace `{BAD}` with `{GOOD}`" in " ".join(said.split())


def test_a_pin_of_a_requirements_file(tmp_path: Path) -> None:
    (tmp_path / "pins.txt").write_text("# for the demo\nlmdeploy==0.11.1\ntransformers==4.38.2\n")
    words = ("check", "--offline", "--requirements", "pins.txt", "--python-version", "3.11", "--", "lmdeploy", "serve", "api_server", MODEL)
    said = " ".join(doctor(*words, home=tmp_path).stdout.split())
    assert "edit pins.txt:3: replace `transformers==4.38.2` with `transformers" in said, said


def test_a_command_line_has_no_line_to_edit(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("vllm==0.11.0\n")
    words = ("--requirements", "r.txt", "--", "vllm", "serve", MODEL, *BAD.split())
    data = check(tmp_path, words, "")
    assert found(data, "CMD003") and not launch_of(data).get("edits")
