"""A user's compose project as `fix` writes it: its keys, networks, profiles, caches, and what it has already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from doctor.cli import main
from doctor.report.plan.masked import Masking

KEY = "sk-local-3f9a7c52e1d84b60"
VLM = ["--model", "Qwen/Qwen2.5-VL-7B-Instruct", "--max-model-len", "8192"]
SERVER: dict[str, Any] = {
    "image": "vllm/vllm-openai:v0.11.0", "command": VLM, "runtime": "nvidia", "ipc": "host",
    "volumes": ["hf:/root/.cache/huggingface"],
}  # fmt: skip


def fixed(folder: Path, text: str, *words: str) -> tuple[str, dict[str, Any]]:
    """What is written for a project, and what it holds."""
    file = folder / "compose.yaml"
    file.write_text(text)
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GB", "--driver", "570.86", "--format", "compose")
    done = CliRunner().invoke(main, [*told, "--deployment", str(file), *words])
    assert done.exit_code == 0, done.output
    return done.stdout, yaml.safe_load(done.stdout)


def project(**services: dict[str, Any]) -> str:
    """A project of these services."""
    return yaml.safe_dump({"services": services, "volumes": {"hf": {}}}, sort_keys=False)


def test_a_literal_key_is_one_variable_for_all_who_use_it(tmp_path: Path) -> None:
    web = {"image": "ghcr.io/open-webui/open-webui:v0.6.5", "environment": {"OPENAI_API_KEY": KEY}}
    text, data = fixed(
        tmp_path, project(web=web, vlm={**SERVER, "command": f"{' '.join(VLM)} --api-key {KEY}"}), "--with", "gateway"
    )
    assert KEY not in text
    assert "--api-key ${VLLM_API_KEY:?" in data["services"]["vlm"]["command"]
    assert data["services"]["web"]["environment"]["OPENAI_API_KEY"].startswith("${VLLM_API_KEY:?")
    assert "VLLM_API_KEY" in data["services"]["gateway"]["environment"]
    assert "os.environ/VLLM_API_KEY" in data["configs"]["litellm"]["content"]
    assert "# Set in .env: VLLM_API_KEY, LITELLM_MASTER_KEY." in text


def test_what_stands_beside_is_where_the_server_is(tmp_path: Path) -> None:
    text = project(vlm={**SERVER, "networks": ["ai"], "profiles": ["gpu"]}, cache={"image": "redis:7"}) + "networks: {ai: {}}\n"
    text, data = fixed(tmp_path, text, "--with", "gateway,metrics")
    ours = [one for name, one in data["services"].items() if name not in ("vlm", "cache")]
    assert len(ours) == 4 and all(one["networks"] == ["ai"] and one["profiles"] == ["gpu"] for one in ours)
    assert "healthcheck" in data["services"]["vlm"] and data["services"]["cache"] == {"image": "redis:7"}
    assert "docker compose --profile gpu up" in text


def test_a_server_on_the_hosts_network_is_asked_there(tmp_path: Path) -> None:
    _, data = fixed(tmp_path, project(vlm={**SERVER, "network_mode": "host"}), "--with", "gateway,metrics")
    for name, config in (("gateway", "litellm"), ("prometheus", "prometheus")):
        assert data["services"][name]["extra_hosts"] == ["host.docker.internal:host-gateway"]
        assert "host.docker.internal:8000" in data["configs"][config]["content"]


def test_a_server_that_may_stay_off_is_not_required(tmp_path: Path) -> None:
    other = {**SERVER, "command": ["--model", "Qwen/Qwen2.5-VL-3B-Instruct", "--port", "8001"]}
    text = project(main=SERVER, second={**other, "profiles": ["big"]})
    _, data = fixed(tmp_path, text, "--with", "gateway")
    assert data["services"]["gateway"]["depends_on"] == {"main": {"condition": "service_healthy"}}


def test_the_volume_is_where_the_container_keeps_its_models(tmp_path: Path) -> None:
    text, data = fixed(tmp_path, project(vlm={**SERVER, "volumes": ["./in:/in"], "environment": {"HF_HOME": "/m/hf"}}))
    assert data["services"]["vlm"]["volumes"] == ["./in:/in", "huggingface:/m/hf"] and "CMD024" not in text
    assert "# In `vlm`: added `healthcheck`, `restart: unless-stopped`; changed `volumes`." in text


def test_what_the_project_has_is_kept_and_the_rest_is_added(tmp_path: Path) -> None:
    theirs = {"image": "docker.io/prom/prometheus:v2.54.1", "command": ["--web.listen-address=:9091"], "networks": ["m"]}
    own = project(vlm={**SERVER, "networks": ["ai"]}, prom=theirs) + "networks: {ai: {}, m: {}}\n"
    text, data = fixed(tmp_path, own, "--with", "metrics")
    services = data["services"]
    assert services["prom"] == theirs and set(services) == {"vlm", "prom", "gpu-exporter", "grafana"}
    assert services["gpu-exporter"]["networks"] == services["grafana"]["networks"] == ["ai", "m"]
    assert "http://prom:9091" in data["configs"]["grafana-source"]["content"]
    told = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    assert "Let its file scrape `vlm:8000`, `gpu-exporter:9400`" in told


@pytest.mark.parametrize(("value", "wanted"), [
    ("postgres://app:hunter2@db/x", "postgres://${DB_URL_USER:?}:${DB_URL_PASSWORD:?}@db/x"),
    ("redis://:hunter2@cache", "redis://:${DB_URL_PASSWORD:?}@cache"),
    ("https://tok3n99999@git.example/x", "https://${DB_URL_TOKEN:?}@git.example/x"),
    ("http://vlm:8000/v1", "http://vlm:8000/v1"),
])  # fmt: skip
def test_each_part_of_a_login_has_a_name(value: str, wanted: str) -> None:
    for given in ({"DB_URL": value}, [f"DB_URL={value}"]):
        found = Masking()({"environment": given})["environment"]
        text = found["DB_URL"] if isinstance(found, dict) else found[0].partition("=")[2]
        assert text.replace("set it in .env", "") == wanted


def test_two_keys_behind_one_option_are_two_variables() -> None:
    masking = Masking()
    assert masking({"command": ["serve", "--api-keys", "abc", "defg"]})["command"][2:] == [
        "${API_KEYS:?set it in .env}", "${API_KEYS_2:?set it in .env}"
    ]  # fmt: skip


def test_an_image_starts_no_server_without_its_key(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("vllm==0.11.0\n")
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GB", "--driver", "570.86", "--format", "dockerfile")
    told += ("--requirements", str(tmp_path / "requirements.txt"), "--python-version", "3.12")
    text = CliRunner().invoke(main, [*told, "--", "vllm", "serve", *VLM[1:], "--api-key", KEY]).stdout
    assert KEY not in text and '--api-key \\"${VLLM_API_KEY:?' in text


def of_another_form(folder: Path, text: str, form: str, *words: str) -> str:
    """What is written in a form that the user's file is not of."""
    file = folder / "given.yaml"
    file.write_text(text)
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GB", "--driver", "570.86", "--format", form)
    done = CliRunner().invoke(main, [*told, "--deployment", str(file), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_project_as_manifests_keeps_its_server_and_says_what_it_leaves(tmp_path: Path) -> None:
    vlm = {
        **SERVER, "command": [*VLM, "--api-key", "${VLM_KEY}"], "volumes": ["/srv/data:/data:ro"],
        "environment": {"TEAM": "vision", "DB_URL": "postgres://app:hunter2@db/x"},
    }  # fmt: skip
    text = of_another_form(tmp_path, project(eye_1=vlm, web={"image": "nginx"}), "kubernetes", "--with", "gateway")
    assert "# Left out: the other services (`web`)." in text and "hunter2" not in text
    objects = {(d["kind"], d["metadata"]["name"]): d for d in yaml.safe_load_all(text)}
    spec = objects["Deployment", "eye-1"]["spec"]["template"]["spec"]
    env = {e["name"]: e for e in spec["containers"][0]["env"]}
    assert env["TEAM"]["value"] == "vision" and {"DB_URL", "VLM_KEY"} <= set(env)
    assert "$(VLM_KEY)" in spec["containers"][0]["command"] and "os.environ/VLM_KEY" in text
    assert {"name": "folder-1", "hostPath": {"path": "/srv/data"}} in spec["volumes"]


def test_a_configuration_keeps_no_secret_and_nobody_misses_it(tmp_path: Path) -> None:
    token = f"hf_{'a' * 34}"
    text = of_another_form(tmp_path, f"""\
kind: ConfigMap
metadata: {{name: settings}}
data: {{MODEL: m, HF_TOKEN: {token}, app.ini: "password={token}"}}
---
kind: Deployment
metadata: {{name: eyes}}
spec:
  selector: {{matchLabels: {{app: eyes}}}}
  template:
    metadata: {{labels: {{app: eyes}}}}
    spec:
      containers:
      - name: vlm
        image: vllm/vllm-openai:v0.11.0
        args: [--model, Qwen/Qwen2.5-VL-7B-Instruct, --api-key, {KEY}]
        envFrom: [{{configMapRef: {{name: settings}}}}]
        env:
        - {{name: HUB, valueFrom: {{configMapKeyRef: {{name: settings, key: HF_TOKEN}}}}}}
        - {{name: DB_URL, value: "postgres://app:hunter2@db/x"}}
        resources: {{limits: {{nvidia.com/gpu: 1}}}}
""", "kubernetes", "--with", "gateway")  # fmt: skip
    assert token not in text and KEY not in text and "hunter2" not in text
    told = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    assert "Left out: HF_TOKEN of ConfigMap settings: now in the Secret qvl-keys." in told
    assert "Left out: app.ini of ConfigMap settings" in told
    eyes = next(d for d in yaml.safe_load_all(text) if d["metadata"]["name"] == "eyes" and d["kind"] == "Deployment")
    env = eyes["spec"]["template"]["spec"]["containers"][0]["env"]
    keys = {e["name"]: e.get("valueFrom", {}).get("secretKeyRef", {}).get("key") for e in env}
    assert keys["HUB"] == keys["HF_TOKEN"] == "HF_TOKEN" and keys["VLLM_API_KEY"] == "VLLM_API_KEY"
    values = {e["name"]: e.get("value") for e in env}
    assert values["DB_URL"] == "postgres://$(DB_URL_USER):$(DB_URL_PASSWORD)@db/x"
    names = [e["name"] for e in env]
    assert names.index("DB_URL_PASSWORD") < names.index("DB_URL"), "Kubernetes fills in what stands before"
    assert "os.environ/VLLM_API_KEY" in text


def test_ports_of_ours_are_published_from_a_closed_network(tmp_path: Path) -> None:
    text = project(vlm={**SERVER, "networks": ["back"]}) + "networks: {back: {internal: true}}\n"
    _, data = fixed(tmp_path, text, "--with", "gateway,metrics")
    services = data["services"]
    assert all(services[n]["networks"] == ["back", "default"] for n in ("gateway", "prometheus", "grafana"))
    assert services["gpu-exporter"]["networks"] == ["back"]


def test_a_prometheus_on_the_hosts_network_finds_the_exporter(tmp_path: Path) -> None:
    prometheus = {"image": "prom/prometheus:v3.0.0", "network_mode": "host"}
    text = project(vlm={**SERVER, "network_mode": "host"}, prometheus=prometheus)
    text, data = fixed(tmp_path, text, "--with", "metrics")
    assert data["services"]["gpu-exporter"]["ports"] == ["127.0.0.1:9400:9400"]
    told = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    assert "Let its file scrape `localhost:8000`, `localhost:9400`" in told
    assert "http://host.docker.internal:9090" in data["configs"]["grafana-source"]["content"]
    assert data["services"]["grafana"]["extra_hosts"] == ["host.docker.internal:host-gateway"]


def test_a_script_of_the_users_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "start.sh").write_text("export A=b\nlmdeploy serve api_server Qwen/Qwen2-VL-7B-Instruct &\nexec uvicorn app:app\n")
    own = {"image": "openmmlab/lmdeploy:v0.9.2", "command": ["bash", "/start.sh"], "volumes": ["./start.sh:/start.sh"],
           "gpus": "all"}  # fmt: skip
    (tmp_path / "compose.yaml").write_text(project(vlm=own))
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GB", "--driver", "570.86", "--format", "compose")
    done = CliRunner().invoke(main, [*told, "--deployment", str(tmp_path / "compose.yaml"), "--with", "metrics"])
    assert yaml.safe_load(done.stdout)["services"]["vlm"]["command"] == ["bash", "/start.sh"]
    said = " ".join(line.lstrip("# ") for line in done.stdout.splitlines() if line.startswith("#"))
    assert "Change the server's command in /start.sh:2 to: lmdeploy serve api_server" in said
    assert "--enable-metrics" in said


def test_a_unit_as_a_project_leaves_its_machine_behind(tmp_path: Path) -> None:
    """The image has the engine on its PATH, and a loopback of its own; what the unit reads is set by its name."""
    (tmp_path / "req.txt").write_text("vllm==0.11.0\n")
    (tmp_path / "vlm.service").write_text(
        "[Service]\nEnvironmentFile=-/etc/vlm.env\nExecStart=/srv/vlm/.venv/bin/vllm serve Qwen/Qwen2.5-VL-7B-Instruct --host 127.0.0.1"
        " --max-model-len 8192 --api-key ${API_KEY}\n"
    )
    for form in ("compose", "dockerfile"):
        told = ("fix", "--plan", "--offline", "--gpu", "A100-80GB", "--driver", "570.86", "--format", form)
        files = ("--deployment", str(tmp_path / "vlm.service"), "--requirements", str(tmp_path / "req.txt"))
        done = CliRunner().invoke(main, [*told, *files])
        assert done.exit_code == 0 and "/srv/vlm" not in done.stdout and "API_KEY:?" in done.stdout, done.stdout
        assert "0.0.0.0" in done.stdout and "--host 127.0.0.1" not in done.stdout


def test_a_docker_run_in_a_file_keeps_its_ports_and_volumes(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(
        "PORT ?= 8080\nserve:\n\tdocker run --gpus all -p $(PORT):8000 -v /srv/hf:/root/.cache/huggingface"
        " vllm/vllm-openai:v0.11.0 --model Qwen/Qwen2.5-VL-3B-Instruct\n"
    )
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GB", "--driver", "570.86", "--format", "compose")
    done = CliRunner().invoke(main, [*told, "--deployment", str(tmp_path / "Makefile")])
    own = yaml.safe_load(done.stdout)["services"]["server"]
    assert own["ports"] == ["8080:8000"] and own["volumes"] == ["/srv/hf:/root/.cache/huggingface"]


def test_a_job_of_several_machines_says_so(tmp_path: Path) -> None:
    (tmp_path / "req.txt").write_text("sglang==0.5.3\n")
    (tmp_path / "job.sbatch").write_text(
        "#!/bin/bash\n#SBATCH --nodes=2\n#SBATCH --gpus-per-node=4\nsource /opt/nowhere/bin/activate\n"
        "HEAD=$(scontrol show hostnames | head -n1)\n"
        "srun python -m sglang.launch_server --model-path Qwen/Qwen2.5-VL-72B-Instruct --tp 8 --nnodes 2"
        " --node-rank $SLURM_PROCID --dist-init-addr $HEAD:5000 --host 0.0.0.0\n"
    )
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GBx4", "--driver", "570.86", "--format", "compose")
    files = ("--deployment", str(tmp_path / "job.sbatch"), "--requirements", str(tmp_path / "req.txt"))
    text = CliRunner().invoke(main, [*told, *files]).stdout
    assert yaml.safe_load(text)["services"]["server"]["deploy"]["resources"]["reservations"]["devices"][0]["count"] == 4
    said = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    assert "`server` runs on 2 machines together" in said and "which a script computes" in said
    assert "Set in .env: SLURM_PROCID." in said


def test_a_shell_text_of_several_steps_is_corrected_where_the_command_stands(tmp_path: Path) -> None:
    text = "pip install -q plugin\nexec vllm serve Qwen/Qwen2.5-VL-7B-Instruct --max-modl-len 8192\n"
    own = {**SERVER, "entrypoint": ["/bin/sh", "-c"], "command": [text]}
    (tmp_path / "compose.yaml").write_text(project(vlm=own))
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GB", "--driver", "570.86", "--format", "compose")
    done = CliRunner().invoke(main, [*told, "--deployment", str(tmp_path / "compose.yaml")])
    corrected = text.replace("--max-modl-len", "--max-model-len")
    assert yaml.safe_load(done.stdout)["services"]["vlm"]["command"] == [corrected]
    assert "STILL WRONG" not in done.stdout and done.exit_code in (0, 1)


def test_a_sentence_with_a_secret_keeps_its_other_words() -> None:
    found = Masking()({"environment": {"NOTE": "text with password=hunter2222 inside"}})["environment"]["NOTE"]
    assert found.startswith("text with password=${NOTE:?") and found.endswith("} inside")


def test_with_may_be_given_twice(tmp_path: Path) -> None:
    _, data = fixed(tmp_path, project(vlm=SERVER), "--with", "gateway", "--with", "metrics")
    assert {"gateway", "prometheus"} <= set(data["services"])


def test_the_gpus_are_those_of_all_kinds_of_parallelism(tmp_path: Path) -> None:
    (tmp_path / "req.txt").write_text("vllm==0.11.0\n")
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GBx8", "--driver", "570.86", "--format", "compose")
    words = ("vllm", "serve", VLM[1], "--tensor-parallel-size", "2", "--pipeline_parallel_size", "2")
    done = CliRunner().invoke(main, [*told, "--requirements", str(tmp_path / "req.txt"), "--", *words])
    device = yaml.safe_load(done.stdout)["services"]["server"]["deploy"]["resources"]["reservations"]["devices"][0]
    assert device["count"] == 4 and "CMD030" not in done.stdout


def test_fewer_gpus_in_the_command_leave_nothing_wrong_with_those_that_are_requested(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: m}\nspec:\n  containers:\n    - name: vllm\n"
        "      image: vllm/vllm-openai:v0.11.0\n"
        "      args: [--model, Qwen/Qwen2.5-VL-7B-Instruct, --tensor-parallel-size, '2', --max-model-len, '16384']\n"
        "      resources: {limits: {nvidia.com/gpu: 1}}\n"
    )
    words = ("check", "--offline", "--deployment", str(tmp_path / "pod.yaml"), "--gpu", "H100", "--format", "json")
    found = yaml.safe_load(CliRunner().invoke(main, words).stdout)
    assert {"MEM005", "CMD030"} <= {f["code"] for f in found["findings"]}
    fixes = [r for f in found["findings"] if f["code"] == "MEM005" for r in f["remediations"]]
    assert fixes and not any("CMD030" in (r.get("note") or "") for r in fixes)
