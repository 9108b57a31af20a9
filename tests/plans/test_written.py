"""Deployments as `fix` writes them: the user's own file kept, secrets by name, each text through our own check."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from doctor.cli import main
from doctor.collect.python.target import TargetRequest
from doctor.facts import Gpu, Host
from doctor.facts.gpu import Device
from doctor.facts.wsl import Wsl
from doctor.launch.naming import filled, names_of, shell
from doctor.matrix.engines import engine_row
from doctor.matrix.official import official, too_new
from doctor.pipeline import Request, plan
from doctor.pipeline.placed import exporter_for
from doctor.pipeline.recipe import recipe
from doctor.pipeline.written import doubts_of
from doctor.plan.freedom import Freedom
from doctor.report.plan.files import written
from doctor.report.plan.masked import Masking
from doctor.report.plan.recipe import Doubts, OwnService, Recipe, head
from doctor.report.plan.service import start_period

KEY = "sk-3f9a7c52e1d84b60"
MODEL = "Qwen/Qwen2.5-VL-7B-Instruct"
COMPOSE = f"""
name: mine
services:
  vlm:
    image: vllm/vllm-openai:v0.11.0
    command: --model ${{MODEL}} --tensor-paralel-size 1 --max-model-len 8192 --api-key ${{VLM_KEY}}
    environment: {{HF_TOKEN: "${{HF_TOKEN}}", TEAM: vision, CLIENT_SECRET: {KEY}}}
    env_file: .env
    ports: ["8001:8000"]
    volumes: ["hf:/root/.cache/huggingface", "./data:/data"]
    labels: {{team: vision}}
  web:
    image: ghcr.io/open-webui/open-webui:v0.6.5
    environment: ["OPENAI_API_BASE_URL=http://vlm:8000/v1", "WEBUI_SECRET_KEY={KEY}"]
volumes: {{hf: {{}}}}
"""
MANIFEST = f"""
apiVersion: v1
kind: Secret
metadata: {{name: theirs}}
stringData: {{token: {KEY}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: eyes, annotations: {{team: vision}}}}
spec:
  selector: {{matchLabels: {{app: eyes}}}}
  template:
    metadata: {{labels: {{app: eyes}}}}
    spec:
      nodeSelector: {{pool: gpu}}
      containers:
      - name: vlm
        image: vllm/vllm-openai:v0.11.0
        args: [--model, {MODEL}, --tensor-paralel-size, "1", --max-model-len, "8192", --api-key, {KEY}]
        env:
        - {{name: HF_TOKEN, valueFrom: {{secretKeyRef: {{name: theirs, key: token}}}}}}
        - {{name: CLIENT_SECRET, value: {KEY}}}
        - {{name: TEAM, value: vision}}
        livenessProbe: {{httpGet: {{path: /health, port: 8000}}, periodSeconds: 10}}
        resources: {{limits: {{nvidia.com/gpu: 1}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: front}}
spec: {{selector: {{app: eyes}}, ports: [{{port: 80, targetPort: 8000}}]}}
"""
TWO = f"""
services:
  large:
    image: vllm/vllm-openai:v0.11.0
    command: ["--model", "{MODEL}", "--max-model-len", "8192", "--api-key", "$VLM_KEY"]
  small:
    image: lmsysorg/sglang:v0.5.3
    command: python3 -m sglang.launch_server --model-path Qwen/Qwen2.5-VL-3B-Instruct --context-length 8192
"""


def fix(folder: Path, *words: str, compose: str = "", gpu: str = "A100-80GB", driver: str = "570.86") -> Any:
    """`fix --plan` on a compose file, or on vLLM with the words behind `--`."""
    told = ["fix", "--plan", "--offline", "--gpu", gpu, "--driver", driver]
    if compose:
        (folder / "compose.yaml").write_text(compose)
        (folder / ".env").write_text(f"VLM_KEY={KEY}\nMODEL={MODEL}\n")
        return CliRunner().invoke(main, [*told, "--compose", str(folder / "compose.yaml"), *words])
    (folder / "requirements.txt").write_text("vllm==0.11.0\n")
    told += ["--requirements", str(folder / "requirements.txt"), "--python-version", "3.12"]
    return CliRunner().invoke(main, [*told, *words])


def deployed(file: Path, *words: str) -> Any:
    """`fix --plan` on a deployment's file."""
    told = ("fix", "--plan", "--offline", "--gpu", "A100-80GB", "--driver", "570.86", "--deployment", str(file))
    return CliRunner().invoke(main, [*told, *words])


def test_the_users_own_project_is_kept(tmp_path: Path) -> None:
    done = fix(tmp_path, "--format", "compose", compose=COMPOSE)
    data = yaml.safe_load(done.stdout)
    own = data["services"]["vlm"]
    assert data["name"] == "mine" and set(data["services"]) == {"vlm", "web"} and data["volumes"]["hf"] == {}
    assert own["environment"]["TEAM"] == "vision" and own["labels"] == {"team": "vision"}
    assert own["ports"] == ["8001:8000"] and own["env_file"] == ".env" and "./data:/data" in own["volumes"]
    assert own["image"] == "vllm/vllm-openai:v0.11.0" and own["shm_size"] and own["deploy"]
    assert "${MODEL}" in own["command"] and "--tensor-parallel-size" in own["command"]


def test_no_secret_is_written_and_none_is_masked(tmp_path: Path) -> None:
    done = fix(tmp_path, "--format", "compose", "--with", "gateway", compose=COMPOSE)
    text = done.stdout
    assert KEY not in text and "***" not in text
    data = yaml.safe_load(text)
    own = data["services"]["vlm"]
    assert own["command"][own["command"].index("--api-key") + 1].startswith("${VLM_KEY:?")
    assert own["environment"]["CLIENT_SECRET"].startswith("${CLIENT_SECRET:?")
    assert data["services"]["web"]["environment"][1].startswith("WEBUI_SECRET_KEY=${WEBUI_SECRET_KEY:?")
    litellm = yaml.safe_load(data["configs"]["litellm"]["content"])
    assert litellm["model_list"][0]["litellm_params"]["api_key"] == "os.environ/VLM_KEY"
    assert litellm["general_settings"]["master_key"] == "os.environ/LITELLM_MASTER_KEY"
    assert {"VLM_KEY", "LITELLM_MASTER_KEY"} <= set(data["services"]["gateway"]["environment"])


def test_several_servers_stand_behind_one_gateway(tmp_path: Path) -> None:
    done = fix(tmp_path, "--format", "compose", "--with", "gateway,metrics", compose=TWO, gpu="A100-80GBx2")
    data = yaml.safe_load(done.stdout)
    litellm = yaml.safe_load(data["configs"]["litellm"]["content"])
    bases = [m["litellm_params"]["api_base"] for m in litellm["model_list"]]
    assert bases == ["http://large:8000/v1", "http://small:30000/v1"]
    assert litellm["router_settings"]["fallbacks"][0] == {MODEL: ["Qwen/Qwen2.5-VL-3B-Instruct"]}
    assert "--enable-metrics" in data["services"]["small"]["command"]
    ids = [data["services"][n]["deploy"]["resources"]["reservations"]["devices"][0] for n in ("large", "small")]
    assert [one.get("device_ids") for one in ids] == [["0"], ["1"]], "a count of one would give both the same GPU"
    jobs = yaml.safe_load(data["configs"]["prometheus"]["content"])["scrape_configs"]
    assert [j["job_name"] for j in jobs] == ["large", "small", "gpu"]


def test_what_was_given_to_docker_run_is_kept(tmp_path: Path) -> None:
    run = ("docker", "run", "--gpus", "all", "--ipc=host", "-e", "TEAM=vision", "-e", f"CLIENT_SECRET={KEY}", "-e", "HERE",
           "-v", "/data:/data", "-v", "hf:/root/.cache/huggingface", "-p", "8001:8000", "vllm/vllm-openai:v0.11.0",
           "--model", MODEL, "--max-modell-len", "8192")  # fmt: skip
    words = (
        "fix",
        "--plan",
        "--offline",
        "--gpu",
        "A100-80GB",
        "--driver",
        "570.86",
        "--format",
        "compose",
        "--",
        *run,
    )
    done = CliRunner().invoke(main, list(words))
    data = yaml.safe_load(done.stdout)
    own = data["services"]["server"]
    assert own["environment"]["TEAM"] == "vision" and KEY not in done.stdout and "***" not in done.stdout
    assert own["environment"]["HERE"].startswith("${HERE:?") and own["environment"]["CLIENT_SECRET"].startswith("${")
    assert own["ports"] == ["8001:8000"] and own["ipc"] == "host" and data["volumes"] == {"hf": {}}
    assert own["volumes"] == ["/data:/data", "hf:/root/.cache/huggingface"]
    made = Recipe(engine="vllm", image="x:1", command=("vllm", "serve", "m"), volumes=("/data:/data:ro", "hf:/hf"))
    spec = next(yaml.safe_load_all(written("kubernetes", [replace(made, folder="/m")])))["spec"]["template"]["spec"]
    assert spec["volumes"][-1]["hostPath"] == {"path": "/data"} and len(spec["volumes"]) == 3
    assert spec["containers"][0]["volumeMounts"][-1] == {"name": "folder-1", "mountPath": "/data", "readOnly": True}


def test_what_the_project_has_is_not_added_again(tmp_path: Path) -> None:
    theirs = COMPOSE.replace(
        "  web:\n", "  router: {image: 'ghcr.io/berriai/litellm:v1.81.9-stable'}\n  web:\n    ports: ['3000:8080']\n"
    )
    done = fix(tmp_path, "--format", "compose", "--with", "gateway,metrics", compose=theirs)
    data = yaml.safe_load(done.stdout)
    assert "gateway" not in data["services"] and "own LiteLLM (`router`)" in done.stdout
    assert data["services"]["grafana"]["ports"] == ["127.0.0.1:3001:3000"], "3000 is taken"


def test_manifests_take_keys_from_a_secret(tmp_path: Path) -> None:
    words = ("vllm", "serve", MODEL, "--max-model-len", "8192", "--api-key", KEY)
    done = fix(tmp_path, "--format", "kubernetes", "--with", "gateway,metrics", "--", *words)
    assert KEY not in done.stdout and "***" not in done.stdout
    objects = {f"{d['kind']}/{d['metadata']['name']}": d for d in yaml.safe_load_all(done.stdout)}
    pod = objects["Deployment/server"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert "$(VLLM_API_KEY)" in container["command"] and not pod["enableServiceLinks"]
    assert any(e.get("valueFrom", {}).get("secretKeyRef", {}).get("key") == "VLLM_API_KEY" for e in container["env"])
    assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] >= 600
    assert {"DaemonSet/gpu-exporter", "ConfigMap/litellm", "Deployment/grafana"} <= set(objects)


def test_the_users_own_manifests_are_kept(tmp_path: Path) -> None:
    (tmp_path / "eyes.yaml").write_text(MANIFEST)
    done = deployed(tmp_path / "eyes.yaml", "--format", "kubernetes", "--with", "gateway")
    assert KEY not in done.stdout and "***" not in done.stdout and "the Secrets theirs" in done.stdout
    objects = {f"{d['kind']}/{d['metadata']['name']}": d for d in yaml.safe_load_all(done.stdout)}
    deployment = objects["Deployment/eyes"]
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    env = {e["name"]: e for e in container["env"]}
    assert deployment["metadata"]["annotations"] == {"team": "vision"} and pod["nodeSelector"] == {"pool": "gpu"}
    assert env["TEAM"]["value"] == "vision" and env["HF_TOKEN"]["valueFrom"]["secretKeyRef"]["name"] == "theirs"
    assert env["CLIENT_SECRET"]["valueFrom"]["secretKeyRef"]["name"] == "qvl-keys"
    assert "--tensor-parallel-size" in container["command"] and "$(VLLM_API_KEY)" in container["command"]
    assert container["startupProbe"]["failureThreshold"] >= 60 and "STILL WRONG" not in done.stdout
    litellm = yaml.safe_load(objects["ConfigMap/litellm"]["data"]["config.yaml"])
    assert litellm["model_list"][0]["litellm_params"]["api_base"] == "http://front:80/v1"


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("answer")
    (folder / "requirements.txt").write_text("vllm==0.11.0\n")
    from doctor.collect.declared.request import DeclaredRequest

    declared = DeclaredRequest(requirements=(str(folder / "requirements.txt"),))
    launch = ("vllm", "serve", MODEL, "--max-model-len", "8192")
    request = Request(
        TargetRequest(environ={}), launch, gpu="A100-80GB", driver="570.86", declared=declared, environ={}
    )
    return plan(request, Freedom(), offline=True)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("http://server:8000/v1", "http://server:8000", "CMD020"), ("http://server:8000/v1", "http://server:8001/v1", "CMD020"),
     ("      - 0.0.0.0", "      - 127.0.0.1", "CMD022"), ("start_period: 25m", "start_period: 1m", "CMD026"),
     ("--max-model-len", "--max-modell-len", "CMD001"), ("- server:8000", "- server:8001", "CMD025")],
)  # fmt: skip
def test_the_gate_can_fail(answer: Any, before: str, after: str, code: str) -> None:
    """What is written is judged itself: the same text with a mistake in it is not passed."""
    made = recipe(answer)
    text = written("compose", [made], ("gateway", "metrics"))
    assert doubts_of("compose", text, [made], [answer]).found == ()
    assert before in text
    broken = doubts_of("compose", text.replace(before, after), [made], [answer])
    assert any(line.startswith(code) for line in broken.found), broken


def test_the_head_says_what_the_check_left() -> None:
    assert "✓ This file passes" in head(Recipe(doubts=Doubts(checked=True)))
    told = head(Recipe(doubts=Doubts(("CMD020: wrong",), ("PKG001: left",), True, True)))
    assert told.index("STILL WRONG") < told.index("CMD020: wrong") < told.index("Open:") < told.index("PKG001: left")
    assert "✓" not in told


def test_secrets_are_called_as_the_user_calls_them() -> None:
    vllm, lmdeploy = engine_row("vllm"), engine_row("lmdeploy")
    assert names_of(("vllm", "serve", "m", "--api-key", "***"), vllm) == ("VLLM_API_KEY",)
    assert names_of(("--api-key=***",), vllm, ("bash", "-c", "vllm serve m --api-key $MINE")) == ("MINE",)
    assert names_of(("--api-keys", "***", "***"), lmdeploy) == ("API_KEY", "API_KEY_2")
    assert names_of(("--hf-token", "***"), vllm) == ("HF_TOKEN",)
    assert filled(("a$b", "--x=***"), ("K",), "$({})".format, str.upper) == ["A$B", "--X=$(K)"]
    assert shell(("vllm", "a b", "***"), ("K",)) == "vllm 'a b' \"${K}\""


@pytest.mark.parametrize(("service", "names"), [
    ({"environment": ["API_KEY=abcdef", "A=b"]}, ["API_KEY"]),
    ({"environment": {"PASSWORD": "x y", "KEPT": "${PASSWORD}"}}, ["PASSWORD"]),
    ({"command": "serve --api-key abcdef --port 1"}, ["API_KEY"]),
    ({"command": ["serve", "--hf-token", "abcdef"]}, ["HF_TOKEN"]),
    ({"build": {"args": {"HF_TOKEN": "hf_abcdefghijklmnopqrstuvwxyz012345"}}}, ["HF_TOKEN"]),
    ({"environment": {"DATABASE": "postgres://me:secret@db/x"}}, ["DATABASE_USER", "DATABASE_PASSWORD"]),
    ({"environment": {"PASSWORD": "x y$$z"}}, ["PASSWORD"]),
    ({"environment": {"A": "b"}, "command": ["--max-num-batched-tokens", "8192"]}, []),
])  # fmt: skip
def test_masking(service: dict[str, Any], names: list[str]) -> None:
    masking = Masking()
    text = json.dumps(masking(service))
    assert list(masking.names) == names
    assert "abcdef" not in text and "x y" not in text and "me:secret" not in text and "***" not in text


@pytest.mark.parametrize(("engine", "version", "runs", "image", "newer"), [
    ("lmdeploy", "0.11.1", (12, 4), "openmmlab/lmdeploy:v0.11.1-cu12", False),
    ("lmdeploy", "0.11.1", (12, 8), "openmmlab/lmdeploy:v0.11.1-cu12.8", False),
    ("vllm", "0.11.0", (12, 2), "vllm/vllm-openai:v0.11.0", True),
    ("vllm", "0.20.2", (12, 9), "vllm/vllm-openai:v0.20.2-cu129", False),
    ("vllm", "0.20.2", (13, 0), "vllm/vllm-openai:v0.20.2", False),
])  # fmt: skip
def test_the_image_fits_the_driver(engine: str, version: str, runs: tuple[int, int], image: str, newer: bool) -> None:
    found = official(engine, version, runs)
    assert found is not None and found[0] == image and too_new(found[1], runs) is newer


def test_the_exporter_fits_the_machine() -> None:
    a100, geforce = (
        Gpu(devices=(Device(0, n, (8, 0), 80 << 30),)) for n in ("NVIDIA A100-SXM4-80GB", "NVIDIA GeForce RTX 4090")
    )
    assert exporter_for(a100, None) == "dcgm" and exporter_for(geforce, None) == "nvidia-smi"
    assert exporter_for(a100, Host("Linux", wsl=Wsl(2, "5.15"))) == "nvidia-smi"
    assert exporter_for(Gpu(), None) == "nvidia-smi"


def test_a_larger_model_is_given_more_time() -> None:
    small, large = (start_period(Recipe(weights=gib << 30)) for gib in (5, 140))
    assert 600 <= small < 1800 < large and start_period(Recipe(weights=140 << 30, folder="/m")) < large


@pytest.mark.parametrize(("engine", "command", "leader", "worker"), [
    ("vllm", ("vllm", "serve", "m", "--tensor-parallel-size", "8", "--pipeline-parallel-size", "2"),
     "--distributed-executor-backend ray", "--ray_address=$(LWS_LEADER_ADDRESS)"),
    ("sglang", ("python3", "-m", "sglang.launch_server", "--model-path", "m", "--tp", "16"),
     "--dist-init-addr $(LWS_LEADER_ADDRESS):20000 --nnodes $(LWS_GROUP_SIZE)", "--node-rank $(LWS_WORKER_INDEX)"),
])  # fmt: skip
def test_several_machines_are_one_group(engine: str, command: tuple[str, ...], leader: str, worker: str) -> None:
    made = Recipe(engine=engine, version="1", image="x:1", command=command, gpus=16, nodes=2)
    objects = list(yaml.safe_load_all(written("kubernetes", [made])))
    group = next(o for o in objects if o["kind"] == "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    first, second = (group[f"{role}Template"]["spec"]["containers"][0] for role in ("leader", "worker"))
    assert group["size"] == 2 and first["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert leader in " ".join(first["command"]) and worker in " ".join(second["command"])


def test_servers_that_share_too_few_gpus_are_told(tmp_path: Path) -> None:
    done = fix(tmp_path, "--format", "compose", compose=TWO)
    assert done.exit_code == 1 and "STILL WRONG" in done.stdout and "take 2 GPUs together" in done.stdout


def test_llama_cpp_has_an_image_of_its_own(tmp_path: Path) -> None:
    words = ("llama-server", "-m", "/data/q.gguf", "--mmproj", "/data/mm.gguf", "--alias", "vlm", "--api-key", KEY)
    done = fix(tmp_path, "--format", "compose", "--with", "gateway,metrics", "--", *words)
    data = yaml.safe_load(done.stdout)
    own = data["services"]["server"]
    assert "llama.cpp:server-cuda" in own["image"] and own["command"][:3] == [
        "/app/llama-server",
        "-m",
        "/model/q.gguf",
    ]
    assert "/model/mm.gguf" in own["command"] and own["volumes"][-1]["source"] == "/data" and KEY not in done.stdout
    entry = yaml.safe_load(data["configs"]["litellm"]["content"])["model_list"][0]
    assert entry["model_name"] == "vlm" and entry["litellm_params"]["api_base"] == "http://server:8080/v1"
    assert "were not checked" in done.stdout and "✓" not in done.stdout


def test_exits_are_judged_with_the_users_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same model first: a shorter context, no videos; then AWQ without the option that was for the other."""
    monkeypatch.setattr("doctor.plan.exits.SECONDS", 120.0)  # a busy machine finds the same
    monkeypatch.setattr("doctor.plan.exits.EACH", 60.0)
    monkeypatch.setattr("doctor.plan.planner.SECONDS", 60.0)
    words = ("vllm", "serve", MODEL, "--quantization", "fp8", "--max-model-len", "128000")
    done = fix(tmp_path, "--format", "json", "--", *words, gpu="RTX 4060 Ti:16GB:8.9")
    exits = json.loads(done.stdout)["plan"]["alternatives"]
    commands = [one["commands"][-1].split() for one in exits if one["commands"]]
    others = [words for words in commands if MODEL not in words]
    assert MODEL in commands[0] and "fp8" in commands[0]
    assert commands.index(others[0]) <= 2 and f"{MODEL}-AWQ" in others[0] and "--quantization" not in others[0]
    assert not [one for one in exits if any("128000" in c for c in one["commands"])]


@pytest.mark.parametrize("form", ["compose", "kubernetes"])
def test_aliases_that_multiply_are_written_within_bounds(tmp_path: Path, form: str) -> None:
    """Nineteen levels of nine aliases each: what is read once is masked and written once."""
    levels = "\n".join(f"  d{n}: &d{n} {{{', '.join(f'k{k}: *d{n - 1}' for k in range(9))}}}" for n in range(1, 20))
    bomb = f"x-bomb:\n  d0: &d0 {{a: b}}\n{levels}\n"
    if form == "kubernetes":
        (tmp_path / "eyes.yaml").write_text(MANIFEST.replace("kind: Deployment\n", f"kind: Deployment\n{bomb}"))
        done = deployed(tmp_path / "eyes.yaml", "--format", form)
    else:
        done = fix(tmp_path, "--format", form, compose=bomb + COMPOSE)
    assert 0 < len(done.stdout) < 100_000 and "vllm" in done.stdout


def test_a_dockerfile_of_the_user_is_kept() -> None:
    service = {"build": ".", "command": "vllm serve m"}
    made = Recipe(
        engine="vllm", image="x:1", command=("vllm", "serve", "m"), changes={"transformers": "4.40.0"}, name="vlm",
        pins={"transformers": "4.55.4"}, own=OwnService(service, {"vlm": service}, {}, "compose.yaml"),
    )  # fmt: skip
    text = written("compose", [made])
    assert (
        yaml.safe_load(text)["services"]["vlm"]["build"] == "."
        and "image" not in yaml.safe_load(text)["services"]["vlm"]
    )
    assert "built from a Dockerfile of yours; install there:" in text and "transformers==4.55.4" in text
