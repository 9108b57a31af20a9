"""An engine is one file: TensorRT-LLM's `trtllm-serve`, added to a copy of the data, without a line of code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import doctor
from doctor.matrix.files.data import data_dir
from tests.cli.running import answer, distribution, found, lay_out

NAME = "tensorrt-llm"
# Read in tensorrt_llm/commands/serve.py of NVIDIA/TensorRT-LLM, commit 00209af149e7774406881a37283dce303571eb11: a click
# group whose default command is `serve`; the other commands serve nothing of the OpenAI form.
ROW = """
name: tensorrt-llm
distribution: tensorrt_llm
package: tensorrt_llm
source: tensorrt_llm/commands/serve.py
verified: 2026-11-30
launches:
  - {program: trtllm-serve, subcommand: [serve]}
  - {program: trtllm-serve}
start: [trtllm-serve, MODEL]
other: [grpc, disaggregated, disaggregated_mpi_worker, mm_embedding_serve]
host: localhost
port: 8000
environment: [TRTLLM_, TLLM_]
options:
  model: [model]
  host: [--host]
  port: [--port]
  tensor_parallel: [--tensor_parallel_size, --tp_size]
  pipeline_parallel: [--pipeline_parallel_size, --pp_size]
  expert_parallel: [--moe_expert_parallel_size, --ep_size]
  context: [--max_seq_len]
  requests: [--max_batch_size]
  batch_tokens: [--max_num_tokens]
  memory_share: [--free_gpu_memory_fraction, --kv_cache_free_gpu_memory_fraction]
  trust_remote_code: [--trust_remote_code]
  chat_template: [--chat_template]
  log_level: [--log_level]
"""
MODEL = "Qwen/Qwen2-VL-7B-Instruct"
CARD = ("--gpu", "RTX 4090:24GB:8.9")
SERVER = """#!{python}
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{'data': [{{'id': 'some/model'}}]}}).encode() if self.path == '/v1/models' else b''
        self.send_response(200); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[sys.argv.index('--port') + 1])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as it is, beside data with one file more."""
    base = tmp_path_factory.mktemp("tree")
    shutil.copytree(Path(doctor.__file__).parent, base / "doctor", ignore=shutil.ignore_patterns("__pycache__"))
    (base / "matrices").mkdir()
    for entry in data_dir().iterdir():
        if entry.name != "engines":
            (base / "matrices" / entry.name).symlink_to(entry)
    shutil.copytree(data_dir() / "engines", base / "matrices" / "engines")
    (base / "matrices" / "engines" / f"{NAME}.yaml").write_text(ROW, encoding="utf-8")
    return base


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An environment with the engine, of which nothing but its name matters here."""
    package: dict[str, str | bytes] = {"tensorrt_llm/__init__.py": "", "tensorrt_llm/commands/__init__.py": ""}
    return lay_out(tmp_path / "site", distribution("tensorrt_llm", "1.2.0", package))


def environ(tree: Path, home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "CONDA_PREFIX", "COLUMNS")}
    return {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(tree)}


def run(tree: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`qvl-doctor WORDS` of that tree."""
    done = subprocess.run(
        [sys.executable, "-m", "doctor", *words], capture_output=True, text=True, timeout=300, cwd=cwd, check=False,
        env=environ(tree, cwd),
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def check(tree: Path, site: Path, cwd: Path, *words: str) -> dict[str, Any]:
    where = ("--path", str(site), "--python-version", "3.12", "--offline", "--format", "json", *CARD)
    return answer(run(tree, "check", *where, *words, cwd=cwd))


def test_the_row_holds_what_the_schema_says() -> None:
    data = yaml.safe_load(ROW)
    schema = json.loads((data_dir() / "schema" / "engines.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate({**data, "verified": str(data["verified"])}, schema)


def test_its_words_are_read(tree: Path, site: Path, tmp_path: Path) -> None:
    out = tmp_path / "facts.json"
    where = ("--path", str(site), "--python-version", "3.12", "--offline", "--output", str(out))
    command = ("TRTLLM_SERVER_DISABLE_GC=1", "trtllm-serve", MODEL, "--tp_size", "2")
    run(tree, "facts", *where, "--", "env", *command, cwd=tmp_path)
    launch = json.loads(out.read_text(encoding="utf-8"))["launch"]
    assert launch["engine"] == NAME
    assert launch["arguments"] == [MODEL, "--tp_size", "2"]
    assert launch["environ"]["TRTLLM_SERVER_DISABLE_GC"] == "1"


@pytest.mark.parametrize("option", ["--tp_size", "--tensor_parallel_size"])
def test_its_gpus_are_counted(tree: Path, site: Path, tmp_path: Path, option: str) -> None:
    data = check(tree, site, tmp_path, "--", "trtllm-serve", MODEL, option, "2", "--pp_size=2")
    message = found(data, "MEM005")[0]["message"]
    assert "takes 4 GPUs (tp 2 x pp 2)" in message
    assert not found(data, "CMD011") and not found(data, "PKG010")


def test_a_command_that_serves_nothing_is_no_server(tree: Path, site: Path, tmp_path: Path) -> None:
    out = tmp_path / "facts.json"
    where = ("--path", str(site), "--python-version", "3.12", "--offline", "--output", str(out))
    run(tree, "facts", *where, "--", "trtllm-serve", "disaggregated", "-c", "x.yaml", cwd=tmp_path)
    assert json.loads(out.read_text(encoding="utf-8"))["launch"].get("engine") != NAME


@pytest.mark.parametrize(("words", "port"), [((), 8000), (("--port", "9001"), 9001)])
def test_its_port_is_known_to_a_gateway(tree: Path, site: Path, tmp_path: Path, words: tuple[str, ...], port: int) -> None:
    gateway = tmp_path / "litellm.yaml"
    entry = {"model_name": "qwen", "litellm_params": {"model": f"hosted_vllm/{MODEL}", "api_base": "http://localhost:7/v1"}}
    gateway.write_text(yaml.safe_dump({"model_list": [entry]}), encoding="utf-8")
    data = check(tree, site, tmp_path, "--gateway", str(gateway), "--", "trtllm-serve", "serve", MODEL, *words)
    assert any(f"{NAME} listens on {port}" in f["message"] for f in found(data, "CMD020"))


@pytest.mark.parametrize(
    "words",
    [
        ("fix", "--plan", "--format", "json", *CARD, "--", "trtllm-serve", MODEL, "--max_seq_len", "8192"),
        ("check", *CARD, "--", "trtllm-serve", MODEL),
        ("check", *CARD, "--", "vllm", "serve", MODEL),
        ("link", NAME),
    ],
    ids=" ".join,
)
def test_without_releases_in_the_data_nothing_breaks(tree: Path, site: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    name, *rest = words
    done = run(tree, name, "--path", str(site), "--python-version", "3.12", *rest, cwd=tmp_path)
    assert done.returncode in (0, 1, 2, 4), done.stderr


def test_run_waits_for_its_port(tree: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = tmp_path / "trtllm-serve"
    program.write_text(SERVER.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    log = tmp_path / "said"
    words = [sys.executable, "-m", "doctor", "run", "--force", "--ready", "auto", "--log-dir", str(tmp_path / "runs"), "--"]
    with log.open("wb") as out:
        process = subprocess.Popen([*words, str(program), MODEL, "--host", "127.0.0.1", "--port", str(port)],
                                   stdout=out, stderr=out, env=environ(tree, tmp_path), cwd=tmp_path)  # fmt: skip
    end = time.monotonic() + 120
    while b"ready at" not in log.read_bytes() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    said = log.read_text(encoding="utf-8", errors="replace")
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert f"ready at http://127.0.0.1:{port}, model some/model" in said
