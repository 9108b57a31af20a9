"""What `fix` writes: deployments by engine, GPU, driver and options, each judged by the tools that would read it.

    python benchmarks/written.py [--tools FOLDER] [--keep FOLDER] [--only WORD]

Each case is a command line, or a compose file of a user's, and is written as a compose file and as manifests, with and
without gateway and metrics. Where they are installed, on PATH or below `--tools` (`bin/` of virtual environments or of
unpacked packages), these judge it: the compose schema of check-jsonschema, `docker-compose config`, promtool, LiteLLM's
own loader (a Python that has it), kubernetes-validate. Structural checks of Grafana's board and our own `check` always
run. Prints what is wrong, which tools were not found, and the figure; the status is 1 with anything wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
KEY = "sk-3f9a7c52e1d84b60"  # stands in commands, and must not stand in what is written
V7, V3, V32 = "Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-32B-Instruct"
COMPOSE = f"""
services:
  vlm:
    image: vllm/vllm-openai:v0.11.0
    command: --model {V7}-AWQ --tensor-paralel-size 1 --max-model-len 8192 --api-key ${{VLM_KEY}}
    environment: {{HF_TOKEN: "${{HF_TOKEN}}", VLLM_LOGGING_LEVEL: DEBUG, CLIENT_SECRET: {KEY}}}
    ports: ["8001:8000"]
    volumes: ["hf:/root/.cache/huggingface", "./data:/data"]
  web:
    image: ghcr.io/open-webui/open-webui:v0.6.5
    environment: ["OPENAI_API_BASE_URL=http://vlm:8000/v1", "WEBUI_SECRET_KEY={KEY}"]
volumes: {{hf: {{}}}}
"""
TWO = f"""
services:
  large:
    image: vllm/vllm-openai:v0.11.0
    command: ["--model", "{V7}", "--max-model-len", "8192", "--api-key", "$LARGE_KEY"]
  small:
    image: lmsysorg/sglang:v0.5.3
    command: python3 -m sglang.launch_server --model-path {V3} --context-length 8192 --port 30000
    environment: {{SGLANG_USE_MODELSCOPE: "false"}}
"""

SHELL = f"""
services:
  vlm:
    image: vllm/vllm-openai:v0.11.0
    gpus: all
    ipc: host
    volumes: ["hf:/root/.cache/huggingface"]
    entrypoint: [bash, -c]
    command:
      - |
        pip install -q timm
        exec vllm serve {V7} --max-model-len 8192 \\
          --tensor-paralel-size 1 --api-key "$$VLM_KEY"
    environment: {{VLM_KEY: "${{VLM_KEY}}"}}
volumes: {{hf: {{}}}}
"""
V72 = "Qwen/Qwen2.5-VL-72B-Instruct"
_POD = """
      metadata: {labels: {role: ROLE, app: big}}
      spec:
        containers:
        - name: ROLE
          image: IMAGE
          command: [sh, -c, "COMMAND"]
          resources: {limits: {nvidia.com/gpu: "8"}}
          volumeMounts: [{mountPath: /dev/shm, name: dshm}, {mountPath: /root/.cache/huggingface, name: hf}]
        volumes: [{name: dshm, emptyDir: {medium: Memory}}, {name: hf, persistentVolumeClaim: {claimName: hf}}]
"""
_SCRIPT = "bash /vllm-workspace/examples/online_serving/multi-node-serving.sh"


def group(image: str, leader: str, worker: str) -> str:
    """A LeaderWorkerSet of two machines with the Service of its leader."""
    pods = [_POD.replace("IMAGE", image).replace("ROLE", role).replace("COMMAND", command)
            for role, command in (("leader", leader), ("worker", worker))]  # fmt: skip
    return f"""apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {{name: big}}
spec:
  replicas: 1
  leaderWorkerTemplate:
    size: 2
    leaderTemplate:{pods[0]}    workerTemplate:{pods[1]}---
apiVersion: v1
kind: Service
metadata: {{name: big}}
spec: {{selector: {{app: big, role: leader}}, ports: [{{port: 8000, targetPort: 8000}}]}}
"""


GROUP = group(
    "vllm/vllm-openai:v0.11.0",
    f"{_SCRIPT} leader --ray_cluster_size=$(LWS_GROUP_SIZE); vllm serve {V72} --max-model-len 16384 "
    "--tensor-parallel-size 8 --pipeline-parallel-size 2 --distributed-executor-backend ray --tpp 1",
    f"{_SCRIPT} worker --ray_address=$(LWS_LEADER_ADDRESS)",
)
_JOINS = (
    f"python3 -m sglang.launch_server --model-path {V72} --tp 16 --context-length 16384 --dist-init-addr "
    "$(LWS_LEADER_ADDRESS):20000 --nnodes $(LWS_GROUP_SIZE) --node-rank $(LWS_WORKER_INDEX) --host 0.0.0.0 --port 8000"
)
GROUP_OF_SGLANG = group("lmsysorg/sglang:v0.5.3", _JOINS, _JOINS)
RAY = f"""apiVersion: ray.io/v1
kind: RayCluster
metadata: {{name: vlm}}
spec:
  headGroupSpec:
    rayStartParams: {{dashboard-host: "0.0.0.0"}}
    template:
      spec:
        containers:
        - name: ray-head
          image: vllm/vllm-openai:v0.11.0
          command: [vllm, serve, {V7}, --tensor-paralel-size, "2", --max-model-len, "8192"]
          resources: {{limits: {{nvidia.com/gpu: "2"}}}}
  workerGroupSpecs:
  - groupName: gpu
    replicas: 1
    template:
      spec:
        containers:
        - {{name: ray-worker, image: "vllm/vllm-openai:v0.11.0", resources: {{limits: {{nvidia.com/gpu: "2"}}}}}}
"""
SERVED_BY_RAY = f"""apiVersion: ray.io/v1
kind: RayService
metadata: {{name: ray-llm}}
spec:
  serveConfigV2: |
    applications:
    - name: llms
      import_path: ray.serve.llm:build_openai_app
      route_prefix: "/"
      args:
        llm_configs:
        - model_loading_config: {{model_id: eyes, model_source: {V7}}}
          engine_kwargs: {{max_model_len: 8192, tensor_parallel_size: 2}}
  rayClusterConfig:
    headGroupSpec:
      rayStartParams: {{num-gpus: "0"}}
      template: {{spec: {{containers: [{{name: ray-head, image: "vllm/vllm-openai:v0.11.0"}}]}}}}
    workerGroupSpecs:
    - replicas: 1
      groupName: gpu
      template:
        spec:
          containers:
          - {{name: ray-worker, image: "vllm/vllm-openai:v0.11.0", resources: {{limits: {{nvidia.com/gpu: "2"}}}}}}
"""


@dataclass(frozen=True)
class Case:
    """One deployment: pins, a compose file or manifests, the machine, the command, the form, and what stands beside."""

    name: str
    pins: str
    gpu: str
    driver: str
    launch: str
    form: str = "compose"
    beside: str = ""
    file: str = ""


def cases() -> tuple[Case, ...]:
    """All cases."""
    vllm, lmdeploy, sglang = "vllm==0.11.0\n", "lmdeploy==0.11.1\n", "sglang==0.5.3\n"
    both = "gateway,metrics"
    serve = f"vllm serve {V7} --max-model-len 8192"
    deploy = "lmdeploy serve api_server Qwen/Qwen2-VL-7B-Instruct --session-len 8192"
    small = deploy.replace("7B", "2B")
    launch = f"python -m sglang.launch_server --model-path {V7} --context-length 8192"
    out = [
        Case("vllm-a100-535", vllm, "A100-80GB", "535.161.08", serve, beside=both),
        Case("vllm-h100-580", "vllm==0.20.2\n", "H100", "580.65.06", f"{serve} --api-key {KEY}", beside=both),
        Case("vllm-l40s-550", vllm, "L40S", "550.54", f"{serve} --enforce-eager", beside="metrics"),
        Case("vllm-4090-570", vllm, "RTX 4090", "570.86", f"vllm serve {V7}-AWQ --max-model-len 8192", beside=both),
        Case("vllm-3090x2", vllm, "RTX 3090x2", "560.35", f"{serve} --tensor-parallel-size 2", beside="gateway"),
        Case("vllm-typo", vllm, "A100-80GB", "570.86", f"{serve} --tensor-paralel-size 1 --api-key {KEY}", beside=both),
        Case("vllm-too-new", "vllm==0.20.2\ntorch==2.11.0\n", "A100-80GB", "550.54", serve, beside=both),
        Case("vllm-3b-4060ti", vllm, "RTX 4060 Ti:16GB:8.9", "576.02", f"vllm serve {V3} --max-model-len 4096"),
        Case("vllm-5090", vllm, "RTX 5090", "580.65.06", f"vllm serve {V3} --max-model-len 8192", beside=both),
        Case("vllm-port", vllm, "A100-80GB", "570.86", f"{serve} --port 9001 --served-model-name vlm", beside=both),
        Case("vllm-stats-off", vllm, "A100-80GB", "570.86", f"{serve} --disable-log-stats", beside="gateway"),
        Case("vllm-72b", vllm, "H100x4", "570.86",
             "vllm serve Qwen/Qwen2.5-VL-72B-Instruct --tensor-parallel-size 4 --max-model-len 16384", beside=both),
        Case("lmdeploy-a100", lmdeploy, "A100-80GB", "550.54", deploy, beside=both),
        Case("lmdeploy-535", lmdeploy, "A10", "535.161.08", small, beside="metrics"),
        Case("lmdeploy-keys", lmdeploy, "A100-80GB", "570.86", f"{deploy} --api-keys {KEY} {KEY}b", beside=both),
        Case("lmdeploy-4090", lmdeploy, "RTX 4090", "570.86", small, beside=both),
        Case("lmdeploy-story", "lmdeploy==0.11.1\ntransformers==4.57.3\ntransformers_stream_generator==0.0.5\n",
             "RTX 3090", "570.86", "lmdeploy serve api_server Qwen/Qwen-VL-Chat-Int4 --backend pytorch", beside=both),
        Case("lmdeploy-awq", lmdeploy, "RTX 3090", "560.35",
             "lmdeploy serve api_server Qwen/Qwen2-VL-7B-Instruct-AWQ --session-len 8192", beside="gateway"),
        Case("sglang-h100", sglang, "H100", "570.86", launch, beside=both),
        Case("sglang-key", sglang, "A100-80GB", "570.86", f"{launch} --api-key {KEY} --port 30000", beside=both),
        Case("sglang-4090", sglang, "RTX 4090", "570.86", launch.replace(V7, V3), beside="metrics"),
        Case("sglang-tp", sglang, "A100-80GBx2", "550.54", f"{launch} --tp 2", beside="gateway"),
        Case("own-compose", "", "RTX 4090", "570.86", "", beside=both, file=COMPOSE),
        Case("own-compose-alone", "", "RTX 4090", "570.86", "", file=COMPOSE),
        Case("two-engines", "", "A100-80GBx2", "570.86", "", beside=both, file=TWO),
        Case("llama-cpp", vllm, "RTX 4060", "570.86",
             f"llama-server -m /data/gguf/Qwen2.5-VL-3B-Q4_K_M.gguf --mmproj /data/gguf/mmproj.gguf --api-key {KEY}",
             beside=both),
    ]  # fmt: skip
    out += [
        Case("shell-text", "", "RTX 4090x2", "570.86", "", file=SHELL.replace(V7, V3)),
        *(Case(f"{name}-{form}", "", "A100-80GBx8", "570.86", "", form, both if form == "compose" else "metrics", file=file)
          for name, file in (("group-vllm", GROUP), ("group-sglang", GROUP_OF_SGLANG)) for form in ("compose", "kubernetes")),
        Case("ray-cluster", "", "A100-80GBx2", "570.86", "", "kubernetes", file=RAY),
        Case("ray-service", "", "A100-80GBx2", "570.86", "", "kubernetes", file=SERVED_BY_RAY),
        Case("ray-service-compose", "", "A100-80GBx2", "570.86", "", "compose", both, file=SERVED_BY_RAY),
    ]  # fmt: skip
    chosen = ("vllm-h100-580", "vllm-typo", "vllm-72b", "vllm-4090-570", "lmdeploy-keys", "lmdeploy-story",
              "sglang-key", "sglang-4090", "llama-cpp")  # fmt: skip
    manifests = [one for one in out if one.name in chosen]
    return (*out, *(Case(**{**vars(c), "name": f"{c.name}-k8s", "form": "kubernetes"}) for c in manifests))


def main() -> int:
    """Prints what is wrong; 1 where anything is."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tools", type=Path, help="a folder with bin/ folders of tools below it")
    options.add_argument("--keep", type=Path, help="keep what was written")
    options.add_argument("--only", default="")
    asked = options.parse_args()
    tools = Tools(asked.tools)
    home = asked.keep or Path(tempfile.mkdtemp())
    chosen = [c for c in cases() if asked.only in c.name]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda c: judged(c, home, tools), chosen))
    loaded = of_litellm([home / c.name / "litellm.yaml" for c in chosen], tools)
    found = [[*wrong, *loaded.get(c.name, ())] for c, wrong in zip(chosen, found, strict=True)]
    for case, wrong in zip(chosen, found, strict=True):
        print(f"{'ok   ' if not wrong else 'WRONG'} {case.name}", *(f"\n      {line}" for line in wrong))
    print(f"{sum(not wrong for wrong in found)} of {len(chosen)} written deployments pass; {tools}")
    return int(any(found))


class Tools:
    """The tools that are there; `absent` are those that were looked for in vain."""

    NAMES = ("check-jsonschema", "docker-compose", "promtool", "kubernetes-validate", "litellm")

    def __init__(self, folder: Path | None) -> None:
        folders = [str(p) for p in folder.glob("**/bin") if p.is_dir()] if folder else []
        path = os.pathsep.join([*folders, os.environ.get("PATH", "")])
        found = {name: shutil.which(name, path=path) for name in self.NAMES}
        self.at = {name: place for name, place in found.items() if place}
        self.absent = [name for name in self.NAMES if name not in self.at]

    def __str__(self) -> str:
        missing = f"; not found: {', '.join(self.absent)}" if self.absent else ""
        return f"judged by {', '.join((*self.at, 'our own check'))}{missing}"

    def run(self, name: str, *words: str, **environ: str) -> list[str]:
        """What the tool says against its input, or nothing, also where it is not there."""
        return told([self.at[name], *words], environ) if name in self.at else []


def told(words: list[str], environ: dict[str, str] | None = None) -> list[str]:
    """The last lines of a command that fails; nothing of one that does not."""
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **(environ or {})}, timeout=300)
    if not done.returncode:
        return []
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return [f"{Path(words[0]).name}: {line[:300]}" for line in lines[-6:]]


def judged(case: Case, home: Path, tools: Tools) -> list[str]:
    """Everything that is wrong with one written deployment."""
    place = home / case.name
    place.mkdir(parents=True, exist_ok=True)
    text, error = write(case, place)
    if not text:
        return [f"nothing was written: {error}"]
    path = place / ("out.yaml")
    path.write_text(text)
    wrong = [line.strip() for line in text.splitlines() if line.startswith("#") and "WRONG" in line]
    wrong += [f"a secret or asterisks: {line}" for line in text.splitlines() if KEY in line or "***" in line]
    documents = [d for d in yaml.safe_load_all(text) if d]
    of_form = of_compose if case.form == "compose" else of_manifests
    return [*wrong, *of_form(path, documents, tools), *beside(place, documents, tools), *of_check(case, path)]


def doctor(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """One run of the command line of this checkout, with `more` variables."""
    environ = {**os.environ, "PYTHONPATH": str(HERE.parent), **more}
    return subprocess.run(
        [sys.executable, "-m", "doctor", *words], capture_output=True, text=True, env=environ, check=False
    )


def write(case: Case, place: Path) -> tuple[str, str]:
    """What `fix` writes, and what it says."""
    words = ["fix", "--plan", "--offline", "--gpu", case.gpu, "--driver", case.driver, "--format", case.form]
    words += ["--with", case.beside] if case.beside else []
    if case.file.startswith("apiVersion"):
        (place / "deploy.yaml").write_text(case.file)
        words += ["--deployment", str(place / "deploy.yaml")]
    elif case.file:
        (place / "compose.yaml").write_text(case.file)
        (place / ".env").write_text(f"VLM_KEY={KEY}\nLARGE_KEY={KEY}\n")
        words += ["--compose", str(place / "compose.yaml")]
    else:
        (place / "requirements.txt").write_text(case.pins)
        words += ["--requirements", str(place / "requirements.txt"), "--python-version", "3.12", "--"]
        words += shlex.split(case.launch)
    done = doctor(*words)
    return done.stdout, done.stderr.strip()[-300:]


def of_compose(path: Path, documents: list[Any], tools: Tools) -> list[str]:
    """The compose schema and Compose itself, with a value for each variable that is required."""
    return [
        *tools.run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)),
        *tools.run("docker-compose", "-f", str(path), "config", "--quiet", **values_of(path)),
    ]


def values_of(path: Path) -> dict[str, str]:
    """A value for each variable without which a compose file does not start, and for those of the cases."""
    names = re.findall(r"\$\{(\w+):\?", path.read_text())
    return {**dict.fromkeys((*names, "VLM_KEY", "LARGE_KEY"), "value"), "NODE_RANK": "0"}


def of_manifests(path: Path, documents: list[Any], tools: Tools) -> list[str]:
    """Kubernetes' own schemas; of a group of pods its templates as pods."""
    files = []
    for number, one in enumerate(documents):
        for kind, body in _objects(one):
            files.append(path.with_name(f"{number}-{kind}.yaml"))
            files[-1].write_text(yaml.safe_dump(body))
    return tools.run("kubernetes-validate", "--strict", *map(str, files))


def _objects(one: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if one["kind"] not in ("LeaderWorkerSet", "RayCluster", "RayService"):
        yield one["kind"], one
        return
    todo: list[tuple[str, Any]] = [("pod", one["spec"])]
    while todo:
        role, here = todo.pop()
        if isinstance(here, dict) and "containers" in here.get("spec", {}):
            meta = {"name": "x", **here.get("metadata", {})}
            yield role.lower(), {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": here["spec"]}
        elif isinstance(here, (dict, list)):
            pairs = here.items() if isinstance(here, dict) else enumerate(here)
            todo += [(f"{role}-{key}", value) for key, value in pairs]


def beside(place: Path, documents: list[Any], tools: Tools) -> list[str]:
    """The files of LiteLLM, Prometheus and Grafana that stand in the text."""
    out = []
    for name, text in _configs(documents):
        file = place / f"{name}.yaml"
        file.write_text(text)
        if name == "prometheus":
            out += tools.run("promtool", "check", "config", str(file))
        elif name == "board":
            out += of_board(place, json.loads(text), tools)
    return out


def _configs(documents: list[Any]) -> Iterator[tuple[str, str]]:
    for one in documents:
        for name, held in (one.get("configs") or {}).items():
            yield name, held["content"].replace("$$", "$")
        if one.get("kind") == "ConfigMap":
            yield one["metadata"]["name"], next(iter(one["data"].values()))


LOADER = """
import asyncio, json, os, re, sys
from litellm.proxy.proxy_server import ProxyConfig
for path in sys.argv[1:]:
    try:
        for name in re.findall(r"os.environ/(\\w+)", open(path).read()): os.environ[name] = "sk-value"
        router, models, settings = asyncio.run(ProxyConfig().load_config(router=None, config_file_path=path))
        assert router is not None and router.model_list, "no model was loaded"
        assert settings.get("master_key"), "no master key"
        wrong = None
    except BaseException as error:
        wrong = f"{type(error).__name__}: {error}"
    print("\\n" + json.dumps([path, wrong]))
"""


def of_litellm(files: list[Path], tools: Tools) -> dict[str, list[str]]:
    """LiteLLM's own loader on all files, in one process since it takes long to start: what is wrong, by case."""
    there = [str(f) for f in files if f.exists()]
    if "litellm" not in tools.at or not there:
        return {}
    words = [str(Path(tools.at["litellm"]).with_name("python")), "-c", LOADER, *there]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1200, check=False)
    answers = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith('["'))
    wrong = {path: answers.get(path, f"not loaded: {done.stderr[-300:]}") for path in there}
    return {Path(path).parent.name: [f"litellm: {why}"] for path, why in wrong.items() if why}


def of_board(place: Path, board: dict[str, Any], tools: Tools) -> list[str]:
    """Grafana's board: its places do not overlap, its numbers are unique, and promtool reads every query."""
    panels = board["panels"]
    corners = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}
    out = [] if len(corners) == len(panels) == len({p["id"] for p in panels}) else ["board: panels overlap"]
    out += [f"board: lacks {key}" for key in ("uid", "title", "schemaVersion", "time", "refresh") if not board.get(key)]
    asked = " ".join(p["title"].lower() for p in panels)
    out += [
        f"board: nothing on {word}" for word in ("memory", "temperature", "utilization", "tokens") if word not in asked
    ]
    rules = [{"record": f"r:{n}", "expr": p["targets"][0]["expr"]} for n, p in enumerate(panels)]
    file = place / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    return [*out, *tools.run("promtool", "check", "rules", str(file))]


def of_check(case: Case, path: Path) -> list[str]:
    """What our own `check` says of the written file, as a user would ask it: errors, warnings, and an unread server."""
    words = ("--offline", "--gpu", case.gpu, "--driver", case.driver, "--format", "json")
    done = doctor("check", "--deployment", str(path), *words, **values_of(path))
    try:
        data = json.loads(done.stdout)
    except ValueError:
        return [f"check: {done.stderr.strip()[-200:]}"]
    unread = [] if data["launch"]["found"] or "llama" in case.launch else ["check: no server was found in it"]
    found = [f for f in data["findings"] if f["severity"] != "note"]
    return [*unread, *(f"check: {f['severity']} {f['code']} {f['message'][:200]}" for f in found)]


if __name__ == "__main__":
    sys.exit(main())
