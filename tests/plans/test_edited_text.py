"""A user's YAML with other values: everything that did not have to change is as it was, comments included."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from doctor.report.plan.edited_text import edited, kept
from tests.plans.test_own_projects import KEY, fixed
from tests.plans.test_written import deployed

TEXT = """\
# the lab's stack
x-hf: &hf {HF_HOME: /m}  # shared
services:
  # the model
  vlm:
    image: vllm/vllm-openai:v0.11.0   # pinned
    command:
      - --model   # first
      - m/n
      - --tensor-paralel-size  # both cards
      - "1"
    environment:
      <<: *hf
      A: 'b'
    ports: ["8000:8000"] # published

  # the rest
  web: {image: nginx}
volumes:
  hf:      # models
# the end"""


def value() -> dict[str, Any]:
    return yaml.safe_load(TEXT)  # type: ignore[no-any-return]


def changed(change: Any) -> str:
    """The text after a change of its values, which is in it, and whose other lines are those that were there."""
    wanted = value()
    change(wanted)
    out = edited(TEXT, wanted)
    assert out is not None and yaml.safe_load(out) == wanted
    return out


def test_nothing_to_change_changes_nothing() -> None:
    assert edited(TEXT, value()) == TEXT


def test_values_words_and_keys_change_where_they_stand() -> None:
    def change(data: dict[str, Any]) -> None:
        vlm = data["services"]["vlm"]
        vlm["image"] = "vllm/vllm-openai:v0.12.0"
        vlm["command"][2] = "--tensor-parallel-size"
        vlm["command"] += ["--host", "0.0.0.0"]
        vlm["environment"]["HF_HOME"] = "/other"
        vlm["shm_size"] = "16gb"
        vlm["ports"] = ["127.0.0.1:8000:8000"]
        data["volumes"]["hf"] = {"external": True}
        data["services"]["gateway"] = {"image": "litellm", "command": ["a: b"], "configs": [{"a": 1, "b": [2]}]}

    out = changed(change)
    assert "image: vllm/vllm-openai:v0.12.0   # pinned\n" in out and "- --tensor-parallel-size  # both cards\n" in out
    assert "- m/n\n" in out and "<<: *hf\n" in out and "# published\n" in out and "- --host\n" in out
    gone = {line for line in TEXT.splitlines() if "#" in line} - set(out.splitlines())
    assert len(gone) == 4, "the lines whose value changed alone are others"


@pytest.mark.parametrize("change", [
    lambda d: d["services"]["vlm"]["command"].pop(0),
    lambda d: d["services"]["vlm"].pop("ports"),
    lambda d: d["services"]["vlm"].update(command="vllm serve m"),
    lambda d: d["services"].update(web="gone"),
    lambda d: d.update(configs={"c": {"content": "a: 1\nb: '$x'\n"}}),
    lambda d: d["services"]["vlm"]["command"].__setitem__(slice(1, 3), []),
    lambda d: d["services"]["web"].update(image="nginx:1", volumes=["./a:/b"]),
    lambda d: d["volumes"].update(prometheus={}),
])  # fmt: skip
def test_changes_of_every_kind(change: Any) -> None:
    assert "# the model" in changed(change)


@pytest.mark.parametrize("text", [
    "a: &x [1]\nb: *x\n",  # the other place would change, too
    "a: {b: 1}\n<<: {c: 2}\n",
    "- a\n", "a: [\n", "", "a:\tb\n",
])  # fmt: skip
def test_what_no_edit_can_do_is_told(text: str) -> None:
    assert edited(text, {"a": [2], "b": [1]}) is None


def test_an_alias_bomb_ends_at_once() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    assert edited(bomb, yaml.safe_load(bomb)) is None


def test_a_comment_keeps_no_secret_and_ours_stands_once() -> None:
    text = f"# Written by qvl-doctor fix --plan.\n# Open: x\n\n# mine, was {KEY}\na: 1  # hf_{'a' * 34}\n"
    out = kept(text, {"a": 2}, {"VLLM_API_KEY": KEY})
    assert out == "# mine, was $VLLM_API_KEY\na: 2  # ***\n"


def test_a_users_comments_stay_in_the_written_project(tmp_path: Any) -> None:
    text = f"""\
version: "3.8"  # old
services:
  vlm:
    image: vllm/vllm-openai:v0.11.0  # pinned
    command: [--model, Qwen/Qwen2.5-VL-7B-Instruct, --api-key, {KEY}]  # was {KEY}
    env_file: .env
    shm_size: 8gb
    runtime: nvidia
"""
    (tmp_path / ".env").write_text("A=b\n")
    out, data = fixed(tmp_path, text, "--with", "metrics")
    assert "# pinned" in out and "# was $VLLM_API_KEY" in out and "    env_file: .env\n" in out
    assert data["version"] == "3.8" and KEY not in out and "comments are not kept" not in out


def test_comments_that_are_lost_are_said_to_be(tmp_path: Any) -> None:
    (tmp_path / "base.yaml").write_text("services: {b: {image: vllm/vllm-openai:v0.11.0, runtime: nvidia}}\n")
    text = "services:\n  vlm:  # mine\n    extends: {file: base.yaml, service: b}\n    command: --model Qwen/Qwen2.5-VL-3B-Instruct\n"
    out, _ = fixed(tmp_path, text)
    assert "comments are not kept" in " ".join(line.lstrip("# ") for line in out.splitlines())


def test_comments_of_manifests_stay(tmp_path: Any) -> None:
    file = tmp_path / "k.yaml"
    file.write_text("""\
# Source: chart/templates/one.yaml
apiVersion: v1
kind: Service
metadata: {name: front}   # for the ingress
spec: {selector: {app: eyes}, ports: [{port: 80, targetPort: 8000}]}
---
# Source: chart/templates/two.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: eyes}
spec:
  selector: {matchLabels: {app: eyes}}
  template:
    metadata: {labels: {app: eyes}}
    spec:
      containers:
      - name: vlm
        image: vllm/vllm-openai:v0.11.0  # pinned
        args:
        - --model
        - Qwen/Qwen2.5-VL-7B-Instruct  # the best
        resources: {limits: {nvidia.com/gpu: 1}}
""")
    done = deployed(file, "--format", "kubernetes", "--with", "metrics")
    assert done.exit_code == 0, done.output
    assert "# In `eyes/vlm`: added `env`, `startupProbe`, `volumeMounts`." in done.stdout
    for part in ("# Source: chart/templates/two.yaml", "# for the ingress", "# pinned", "# the best"):
        assert part in done.stdout
    spec = next(d for d in yaml.safe_load_all(done.stdout) if d["metadata"]["name"] == "eyes")["spec"]
    assert spec["template"]["spec"]["containers"][0]["startupProbe"]
