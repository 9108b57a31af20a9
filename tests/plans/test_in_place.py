"""What `fix` writes from deployments whose command is a shell text, a group of machines, or a Ray cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from doctor.cli import main

MANIFESTS = Path(__file__).parents[1] / "deployment" / "files" / "kubernetes"
SERVE = "vllm serve Qwen/Qwen2.5-VL-7B-Instruct"


def written(form: str, *words: str, gpu: str = "A100-80GBx8", status: int = 0) -> tuple[str, list[dict[str, Any]]]:
    """The text that `fix --plan --format FORM` writes, and its documents."""
    done = CliRunner().invoke(main, ["fix", "--plan", "--offline", "--gpu", gpu, "--driver", "570.86", "--format", form, *words])
    assert done.exit_code == status, done.output
    return done.output, [d for d in yaml.safe_load_all(done.output) if d]


def test_a_shell_text_of_a_compose_file_is_edited_where_it_stands(tmp_path: Path) -> None:
    text = f"""
services:
  vlm:
    image: vllm/vllm-openai:v0.11.0
    gpus: all
    ipc: host
    volumes: ["hf:/root/.cache/huggingface"]
    entrypoint: [bash, -c]
    command:
      - |
        set -e
        pip install -q timm  # for towers
        echo "starting on $$HOSTNAME"
        exec {SERVE} \\
          --max-model-len 8192 \\
          --tensor-paralel-size 1 --enforce-eager true
volumes: {{hf: {{}}}}
"""
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    out, (found,) = written("compose", "--compose", str(file))
    assert found["services"]["vlm"]["command"] == [
        "set -e\npip install -q timm  # for towers\necho \"starting on $$HOSTNAME\"\n"
        f"exec {SERVE} \\\n  --max-model-len 8192 \\\n  --tensor-parallel-size 1 --enforce-eager\n"
    ]
    assert "# for towers" in out and "- |\n" in out and "Change the server's command" not in out and "STILL WRONG" not in out


def test_a_command_in_one_text_is_edited_too(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    line = f"bash -c 'pip install timm && {SERVE} --max-model-len 8192 --tensor-paralel-size 1'"
    service = {"image": "vllm/vllm-openai:v0.11.0", "entrypoint": [], "gpus": "all", "command": line}
    file.write_text(yaml.safe_dump({"services": {"vlm": service}}))
    _, (found,) = written("compose", "--compose", str(file))
    assert found["services"]["vlm"]["command"] == ["bash", "-c", f"pip install timm && {SERVE} --max-model-len 8192 --tensor-parallel-size 1"]


def test_a_computed_word_is_left_to_the_user(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    text = f"export TP=3; {SERVE} --max-model-len 8192 --tensor-parallel-size $$TP"
    service = {"image": "vllm/vllm-openai:v0.11.0", "entrypoint": ["bash", "-c"], "gpus": "all", "command": [text]}
    file.write_text(yaml.safe_dump({"services": {"vlm": service}}))
    out, (found,) = written("compose", "--compose", str(file), status=1)
    assert found["services"]["vlm"]["command"] == [text] and "Change the server's command" in out


def test_a_shell_text_of_a_pod_is_edited_where_it_stands(tmp_path: Path) -> None:
    text = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: vlm}}
spec:
  selector: {{matchLabels: {{app: vlm}}}}
  template:
    metadata: {{labels: {{app: vlm}}}}
    spec:
      containers:
      - name: vlm
        image: vllm/vllm-openai:v0.11.0
        command: ["/bin/sh", "-c"]
        args:
        - |
          pip install timm
          # serve
          {SERVE} --tensor-paralel-size 1 --max-model-len $(MAX_LEN)
        env: [{{name: MAX_LEN, value: "8192"}}]
        resources: {{limits: {{nvidia.com/gpu: 1}}}}
"""
    file = tmp_path / "deploy.yaml"
    file.write_text(text)
    out, (deployment, *_) = written("kubernetes", "--deployment", str(file))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == [f"pip install timm\n# serve\n{SERVE} --tensor-parallel-size 1 --max-model-len $(MAX_LEN)\n"]
    assert "- |\n" in out and "STILL WRONG" not in out


def test_a_group_of_machines_as_compose_files(tmp_path: Path) -> None:
    """A leader, and workers that Ray brings to it; nothing of the cluster's own variables goes along."""
    out, (found,) = written("compose", "--deployment", str(MANIFESTS / "lws-vllm.yaml"))
    leader, worker = found["services"]["big"], found["services"]["big-worker"]
    assert "STILL WRONG" not in out and "Left out" not in out and "docker compose --profile worker up" in out
    assert leader["command"][2].startswith("bash /vllm-workspace/examples/online_serving/multi-node-serving.sh leader --ray_cluster_size=2; exec ")
    assert worker["command"][-1] == "--ray_address=${LEADER_ADDRESS:-}" and worker["profiles"] == ["worker"]
    for one in (leader, worker):
        assert one["network_mode"] == "host" and "ports" not in one
        assert one["deploy"]["resources"]["reservations"]["devices"][0]["count"] == 8
        assert set(one["environment"]) == {"HF_HOME", "HF_TOKEN"}


def test_a_group_that_the_engine_brings_together(tmp_path: Path) -> None:
    out, (found,) = written("compose", "--deployment", str(MANIFESTS / "lws-sglang.yaml"))
    assert list(found["services"]) == ["sglang"] and "NODE_RANK from 0 to 1" in out
    words = found["services"]["sglang"]["command"]
    assert words[words.index("--node-rank") + 1] == "${NODE_RANK:?0 on the first machine}"
    assert words[words.index("--dist-init-addr") + 1] == "${LEADER_ADDRESS:?the first machine}:20000"


def test_the_head_of_a_ray_cluster_is_corrected_like_any_container(tmp_path: Path) -> None:
    pod = {"image": "vllm/vllm-openai:v0.11.0", "resources": {"limits": {"nvidia.com/gpu": "2"}}}
    command = [*SERVE.split(), "--tensor-paralel-size", "2", "--max-model-len", "8192"]
    head = {"rayStartParams": {}, "template": {"spec": {"containers": [{"name": "ray-head", **pod, "command": command}]}}}
    worker = {"groupName": "gpu", "replicas": 1, "template": {"spec": {"containers": [{"name": "ray-worker", **pod}]}}}
    cluster = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "vlm"}, "spec": {"headGroupSpec": head, "workerGroupSpecs": [worker]}}
    file = tmp_path / "ray.yaml"
    file.write_text(yaml.safe_dump(cluster))
    out, documents = written("kubernetes", "--deployment", str(file), gpu="A100-80GBx2")
    ray = next(d for d in documents if d["kind"] == "RayCluster")
    words = ray["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["command"]
    assert words[:5] == [*SERVE.split(), "--tensor-parallel-size", "2"] and "LWS" not in out
    assert [d["kind"] for d in documents] == ["RayCluster", "PersistentVolumeClaim"], "KubeRay makes the service of the head"


@pytest.mark.parametrize(("text", "answer"), [
    ("ray start --head --port=6379 && {} --tensor-parallel-size 8 --pipeline-parallel-size 2", "open"),
    ("bash multi-node-serving.sh leader --ray_cluster_size=2; {} --tensor-parallel-size 8 --pipeline-parallel-size 2", "pass"),
    ("{} --tensor-parallel-size 8 --pipeline-parallel-size 2", "fail"),
])  # fmt: skip
def test_a_ray_cluster_of_compose_files_is_not_one_machine(tmp_path: Path, text: str, answer: str) -> None:
    from tests.deployment.conftest import judged

    devices = {"resources": {"reservations": {"devices": [{"driver": "nvidia", "count": 8, "capabilities": ["gpu"]}]}}}
    service = {"image": "vllm/vllm-openai:v0.11.0", "entrypoint": ["bash", "-c"], "ipc": "host", "network_mode": "host",
               "command": [text.format("vllm serve Qwen/Qwen2.5-VL-72B-Instruct")], "deploy": devices}  # fmt: skip
    file = tmp_path / "compose.yaml"
    file.write_text(yaml.safe_dump({"services": {"vlm": service}}))
    report = judged(file, service="vlm")
    assert {r.code: r.status for r in report.results}["CMD030"] == answer
