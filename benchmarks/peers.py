"""Memory predictions of doctor and of its peers, next to what servers logged, in one table.

    python benchmarks/peers.py DATA --python VENV/bin/python [--cli "qvl-doctor"] [--peers NAME...] [--rows]

DATA is a folder with observations.jsonl (a launch a line, with what its server logged) and configs/NAME/config.json, as
`qvl-doctor runs export --observation` writes them. VENV holds the peers that are programs: vramscout, hf-vram-calc,
accelerate with torch and transformers. Each is given what it takes of a launch: the configuration, the length of a
request, tensor parallelism, the share, the GPU's size, the cache's and the weights' number format. accelerate asks the
hub for its models; here its own arithmetic is called on the configuration. llm-d-planner is not on an index: the errors
are those that its repository publishes for the same launches.

Weights and KV cache are of one GPU, requests are those of the whole context at once. Printed are for each peer the
launches that it answers, and for each figure the median and the 90th percentile of the absolute error; doctor's own on
the same launches next to it. The status is 1 where doctor's median is the larger one anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from doctor.matrix.hardware import capabilities

GIB = 1 << 30
FIGURES = ("weights", "kv", "requests")
TIMEOUT = 180
ENVIRONMENT = {
    **os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1]), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
}  # fmt: skip
START = {
    "vllm": "vllm serve {}", "sglang": "python -m sglang.launch_server --model-path {}",
    "lmdeploy": "lmdeploy serve api_server {}",
}  # fmt: skip
# llm-d-incubation/llm-d-planner, accuracy/accuracy_report.md (vLLM 0.19.0 on H100): errors of weights and of the cache
# in %, by the model, its tensor and pipeline parallelism, and what the command asks for besides
PLANNER: dict[tuple[str, int, int, str], tuple[float, float]] = {
    ("Llama-3.1-8B-Instruct", 1, 1, ""): (-0.22, -3.47), ("Llama-3.1-8B-Instruct", 1, 1, "kv"): (-0.22, -3.47),
    ("Llama-3.1-8B-Instruct", 1, 1, "fp8"): (76.18, -13.18), ("Llama-3.1-8B-Instruct", 4, 1, ""): (-0.81, 4.48),
    ("Llama-3.1-8B-Instruct", 1, 4, ""): (-12.22, 1.59), ("Qwen2.5-7B-Instruct", 1, 1, "kv"): (-0.45, -4.21),
    ("Meta-Llama-3.1-8B-Instruct-quantized.w8a8", 1, 1, ""): (-0.4, -3.1),
    ("Qwen2.5-7B-Instruct", 4, 1, ""): (-0.10, 4.62),
    ("Qwen2.5-7B-Instruct-quantized.w8a8", 1, 1, ""): (-0.4, -3.9), ("Qwen3-30B-A3B", 1, 1, ""): (-0.02, -28.75),
    ("DeepSeek-V2-Lite-Chat", 1, 1, ""): (-0.59, -11.50), ("gemma-2-9b-it", 1, 1, ""): (-0.03, -1.82),
    ("gemma-3-4b-it", 1, 1, ""): (-6.65, -0.27), ("gemma-3-27b-it", 1, 1, ""): (-0.69, -1.42),
    ("granite-vision-3.3-2b", 1, 1, ""): (0.04, -1.23), ("Qwen1.5-MoE-A2.7B", 1, 1, ""): (-0.02, -10.14),
    ("Mistral-Small-3.1-24B-Instruct-2503", 1, 1, ""): (-0.08, 1.54), ("Kimi-VL-A3B-Instruct", 2, 1, ""): (-1.6, 2.4),
    ("Qwen2.5-72B-Instruct", 2, 1, ""): (-0.1, 60.8), ("MiMo-VL-7B-SFT", 1, 1, ""): (-0.82, -3.54),
    ("Llama-3.3-70B-Instruct-FP8-dynamic", 4, 1, ""): (-0.2, 5.9),
    ("Llama-4-Scout-17B-16E-Instruct", 4, 1, ""): (-4.8, 36.2),
}  # fmt: skip
CONCURRENCY = {"Llama-3.1-8B-Instruct": -3.48, "gemma-3-27b-it": 11.43, "gemma-3-4b-it": 2.84}
ACCELERATE = """
import sys, torch
from accelerate import init_empty_weights
from accelerate.utils import calculate_maximum_sizes
from transformers import AutoConfig, AutoModel
with init_empty_weights():
    model = AutoModel.from_config(AutoConfig.from_pretrained(sys.argv[1]), dtype=torch.float32)
print(calculate_maximum_sizes(model)[0] / 2)
"""


@dataclass(frozen=True)
class Asked:
    """One launch: the row of the data, the folder of its configuration, and what its words ask for."""

    row: Mapping[str, Any]
    folder: Path
    words: tuple[str, ...]

    def value(self, name: str, usual: str = "") -> str:
        """The value of an option."""
        return self.words[self.words.index(name) + 1] if name in self.words else usual

    @property
    def share(self) -> float:
        """Of the GPU, as vLLM has it."""
        usual = capabilities().share("vllm", self.row["version"])
        return float(self.value("--gpu-memory-utilization", str(usual.share if usual else 0.9)))

    @property
    def pp(self) -> int:
        """Stages of the pipeline."""
        return int(self.value("--pipeline-parallel-size", "1"))


Said = dict[str, float]
Peer = Callable[[Asked, str], Said | None]


def doctor(asked: Asked, cli: str) -> Said | None:
    """What `check` says, in the middle of its ranges."""
    row = asked.row
    gpu = f"{row['gpu']}:{row['total_gib']}GB:{row['capability']}x{row['gpus']}"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "requirements.txt").write_text(f"{row['engine']}=={row['version']}\n")
        launch = [*START[row["engine"]].format(asked.folder).split(), *asked.words]
        options = ["--requirements", "requirements.txt", "--python-version", "3.12", "--driver", "580.95.05"]
        options += ["--gpu", gpu, "--offline", "--format", "json"]
        answer = printed([*shlex.split(cli), "check", *options, "--", *launch], folder)
    try:
        found = (json.loads(answer).get("memory") or {}).get("per_gpu")
    except ValueError:
        return None
    if not found:
        return None
    weights = (found["language"] + found["vision"]) / GIB
    return {"weights": weights, "kv": sum(found["cache"]) / 2 / GIB, "requests": sum(found["concurrent"]) / 2}


def vramscout(asked: Asked, python: str) -> Said | None:
    """vLLM alone: its budget less all but the cache is the cache."""
    row = asked.row
    if row["engine"] != "vllm" or asked.pp > 1:
        return None
    context = asked.value("--max-model-len", "8192")
    words = [
        str(Path(python).with_name("vramscout")), str(asked.folder), "--engine", "vllm", "--tp", str(row["tp"]),
        "--gpu-memory-utilization", f"{asked.share:g}", "--vram-gib", str(row["total_gib"]), "--context", context,
    ]  # fmt: skip
    words += ["--kv-dtype", "fp8"] if asked.value("--kv-cache-dtype").startswith("fp8") else []
    words += ["--dtype", "fp8"] if asked.value("--quantization") == "fp8" else []
    try:
        found = json.loads(printed([*words, "--json"]))
        parts = found["parts_gib"]
    except (ValueError, KeyError, TypeError):
        return None
    weights, each = (next((v for k, v in parts.items() if k.startswith(n)), 0.0) for n in ("Model weights", "KV cache"))
    left = found["memory_budget_gib"] - (found["total_gib"] - each)
    requests = left / each if each and "--max-model-len" in asked.words else None
    return {"weights": weights, "kv": left, **({"requests": requests} if requests else {})}


def calculator(asked: Asked, python: str) -> Said | None:
    """hf-vram-calc: weights and activations of a GPU; the rest of the share is the cache."""
    row, context = asked.row, asked.value("--max-model-len", "8192")
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        words = ["--model", row["model"], "--model_path", str(asked.folder), "--tp", str(row["tp"])]
        words += ["--pp", str(asked.pp), "--max_seq_len", context, "--output_json", str(answer)]
        printed([str(Path(python).with_name("hf-vram-calc")), *words])
        try:
            found = json.loads(answer.read_text())["memory_requirements"][0]
        except (OSError, ValueError, KeyError, IndexError):
            return None
    left = asked.share * row["total_gib"] - found["model_size_gib"] - found["activation_size_gib"]
    each = found["kv_cache_size_gib"]
    requests = {"requests": left / each} if each and "--max-model-len" in asked.words else {}
    return {"weights": found["model_size_gib"], "kv": left, **requests}


def accelerate(asked: Asked, python: str) -> Said | None:
    """The size in 16 bits, divided among the GPUs."""
    try:
        whole = float(printed([python, "-c", ACCELERATE, str(asked.folder)]).splitlines()[-1])
    except (ValueError, IndexError):
        return None
    return {"weights": whole / GIB / asked.row["tp"] / asked.pp}


def planner(asked: Asked, python: str) -> Said | None:
    """llm-d-planner's published errors, as predictions."""
    row, truth = asked.row, asked.row["true"]
    if row["engine"] != "vllm" or row["version"] != "0.19.0" or not row["gpu"].startswith("H100"):
        return None
    special = "kv" if "--kv-cache-dtype" in asked.words else asked.value("--quantization")
    found = PLANNER.get((row["model"], row["tp"], asked.pp, special))
    if found is None:
        return None
    said = {"weights": truth["weights_gib"] * (1 + found[0] / 100), "kv": truth["kv_gib"] * (1 + found[1] / 100)}
    if truth.get("concurrency") and not special and row["model"] in CONCURRENCY:
        said["requests"] = truth["concurrency"] * (1 + CONCURRENCY[row["model"]] / 100)
    return said


PEERS: dict[str, Peer] = {
    "vramscout": vramscout, "hf-vram-calc": calculator, "accelerate": accelerate, "llm-d-planner": planner,
}  # fmt: skip


def printed(command: list[str], folder: str | None = None) -> str:
    """The stdout of a program, empty where it does not end in time."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, cwd=folder, env=ENVIRONMENT)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def errors(said: Said, truth: Mapping[str, Any]) -> Said:
    """Absolute errors in %, of the figures that the server logged; a cache below half a GiB is no measure."""
    real = {"weights": truth.get("weights_gib"), "requests": truth.get("concurrency")}
    real["kv"] = truth["kv_gib"] if (truth.get("kv_gib") or 0) > 0.5 else None
    return {name: abs(100 * (said[name] / real[name] - 1)) for name in FIGURES if real[name] and name in said}


def table(found: Mapping[str, list[tuple[Said, Said]]]) -> bool:
    """Prints a row for each peer and figure; whether doctor's median is nowhere the larger one."""
    good = True
    print(f"{'peer':15} {'figure':9} {'launches':>8} {'median':>9} {'p90':>9}   doctor: {'median':>8} {'p90':>9}")
    for peer, rows in found.items():
        for name in FIGURES:
            pairs = [(theirs[name], ours[name]) for theirs, ours in rows if name in theirs and name in ours]
            if not pairs:
                continue
            theirs, ours = (sorted(pair[at] for pair in pairs) for at in (0, 1))
            ends = [(statistics.median(v), v[min(len(v) - 1, int(0.9 * len(v)))]) for v in (theirs, ours)]
            good = good and ends[1][0] <= ends[0][0]
            figures = [f"{median:8.2f}% {most:8.1f}%" for median, most in ends]
            print(f"{peer:15} {name:9} {len(pairs):8} {figures[0]}           {figures[1]}")
    return good


def main() -> int:
    """Asks everybody about every launch whose configuration is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--python", required=True)
    parser.add_argument("--cli", default=f"{sys.executable} -m doctor")
    parser.add_argument("--peers", nargs="+", choices=tuple(PEERS), default=tuple(PEERS))
    parser.add_argument("--rows", action="store_true", help="print every launch too")
    given = parser.parse_args()
    found: dict[str, list[tuple[Said, Said]]] = {peer: [] for peer in given.peers}
    total = 0
    for line in (given.data / "observations.jsonl").read_text().splitlines():
        row = json.loads(line)
        folder = (given.data / "configs" / row["model"]).resolve()
        if not (folder / "config.json").is_file():
            continue
        total += 1
        asked = Asked(row, folder, tuple(row["args"].split()))
        own = doctor(asked, given.cli)
        ours = errors(own, row["true"]) if own else {}
        for peer in given.peers:
            said = PEERS[peer](asked, given.python)
            theirs = errors(said, row["true"]) if said else {}
            if theirs:
                found[peer].append((theirs, ours))
            if given.rows:
                print(f"{row['id']:28} {peer:14} {theirs} {ours}", flush=True)
    print(f"{total} launches with a configuration")
    return 0 if table(found) else 1


if __name__ == "__main__":
    sys.exit(main())
