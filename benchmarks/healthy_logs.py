"""Real servers that serve well, on this machine's processors: `explain` has to call their logs healthy.

    python benchmarks/healthy_logs.py [NAME...] [--keep FOLDER] [--environment NAME=FOLDER]...

Each server is installed into an environment of its own (`uv` and the index are needed; `--keep` keeps them), started,
asked for something good, for something that is not there, and for something bad, and then interrupted. Its output is
the log. Printed is the first finding of each; the status is 1 where one is not RUN005, or has an exit status other than
0. `--environment` names one that is there, such as that of an engine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 180.0
APP = """
from fastapi import FastAPI
from pydantic import BaseModel
app = FastAPI()
class Asked(BaseModel):
    model: str
@app.get("/v1/models")
def models(): return {"data": [{"id": "m"}]}
@app.post("/v1/chat/completions")
def chat(asked: Asked): return {"choices": []}
"""
FLASK = """
from flask import Flask
app = Flask(__name__)
@app.get("/v1/models")
def models(): return {"data": []}
"""
AIOHTTP = """
import logging, sys
from aiohttp import web
logging.basicConfig(level=logging.INFO)
app = web.Application()
async def models(_): return web.json_response({"data": []})
app.router.add_get("/v1/models", models)
web.run_app(app, port=int(sys.argv[1]))
"""
LITSERVE = """
import sys
import litserve
class Api(litserve.LitAPI):
    def setup(self, device): self.model = lambda x: x
    def predict(self, request): return {"output": self.model(request)}
if __name__ == "__main__":
    litserve.LitServer(Api(), accelerator="cpu").run(port=int(sys.argv[1]), generate_client_file=False)
"""
MOSEC = """
from mosec import Server, Worker
class Echo(Worker):
    def forward(self, data): return data
if __name__ == "__main__":
    server = Server()
    server.append_worker(Echo)
    server.run()
"""
LITELLM = """
model_list:
  - model_name: m
    litellm_params: {model: openai/m, api_base: "http://127.0.0.1:9/v1", api_key: none}
"""
FILES = {"app.py": APP, "flaskapp.py": FLASK, "aio.py": AIOHTTP, "lit.py": LITSERVE, "mosecapp.py": MOSEC,
         "lite.yaml": LITELLM}  # fmt: skip


@dataclass(frozen=True)
class Served:
    """What is installed and started; `path` answers when the server is ready. `{p}` is the port."""

    requires: tuple[str, ...]
    command: str
    path: str = "/v1/models"
    needs: str = ""


SERVERS = {
    "uvicorn": Served(("uvicorn", "fastapi"), "uvicorn app:app --port {p}"),
    "uvicorn-workers": Served(("uvicorn", "fastapi"), "uvicorn app:app --port {p} --workers 2"),
    "uvicorn-debug": Served(("uvicorn[standard]", "fastapi"), "uvicorn app:app --port {p} --log-level debug"),
    "gunicorn": Served(("gunicorn", "uvicorn-worker", "fastapi"),
                       "gunicorn -k uvicorn_worker.UvicornWorker -b 127.0.0.1:{p} app:app"),
    "hypercorn": Served(("hypercorn", "fastapi"), "hypercorn --access-logfile - -b 127.0.0.1:{p} app:app"),
    "granian": Served(("granian", "fastapi"), "granian --interface asgi --access-log --port {p} app:app"),
    "flask": Served(("flask",), "flask --app flaskapp run --port {p}"),
    "http.server": Served((), "python -u -m http.server {p}", "/app.py"),
    "aiohttp": Served(("aiohttp",), "python -u aio.py {p}"),
    "litserve": Served(("litserve",), "python -u lit.py {p}", "/health"),
    "mosec": Served(("mosec",), "python -u mosecapp.py --port {p}", "/metrics"),
    "litellm": Served(("litellm[proxy]",), "litellm --config lite.yaml --port {p}", "/health/liveliness"),
    "lmdeploy-proxy": Served(("lmdeploy",), "lmdeploy serve proxy --server-port {p}", needs="lmdeploy"),
    "transformers-serve": Served(("transformers[serving]", "torch"), "transformers serve --port {p}", "/health",
                                 needs="transformers"),
    "sglang-router": Served(("sglang-router",), "python -u -m sglang_router.launch_router --host 127.0.0.1 --port {p}"
                            " --worker-startup-timeout-secs 5", "/liveness"),
}  # fmt: skip


def installed(name: str, server: Served, folder: Path, given: dict[str, str]) -> Path | None:
    """The programs of an environment with what the server requires; None where one has to be named and is not."""
    if server.needs:
        return Path(given[server.needs]) / "bin" if server.needs in given else None
    env = folder / name
    if not (env / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", env], check=True)
        if server.requires:
            subprocess.run(["uv", "pip", "install", "-q", "--python", env / "bin/python", *server.requires], check=True)
        (env / ".complete").touch()
    return env / "bin"


def ask(port: int, path: str, body: bytes | None = None) -> int:
    """The status of one request; 0 where nobody answers."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def kill(group: int, number: int) -> None:
    """Signals a process group, if any of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def log_of(server: Served, programs: Path, here: Path) -> Path:
    """Starts it, asks, stops it; the file with its output. Raises TimeoutError."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, text in FILES.items():
        (here / name).write_text(text)
    log = here / "server.log"
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "VIRTUAL_ENV": str(programs.parent)}
    environ["LITELLM_MASTER_KEY"] = f"sk-{secrets.token_hex(32)}"  # its proxy does not start without one
    words = server.command.format(p=port).split()
    with log.open("wb") as out:
        child = subprocess.Popen(
            [str(programs / words[0]), *words[1:]], stdout=out, stderr=subprocess.STDOUT, cwd=here, env=environ,
            start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not 200 <= ask(port, server.path) < 500:
            if time.monotonic() > end or child.poll() is not None:
                kill(child.pid, signal.SIGKILL)
                raise TimeoutError(log.read_text(errors="replace")[-1500:])
            time.sleep(0.3)
        ask(port, "/not/there")
        ask(port, "/v1/chat/completions", b'{"model": 3, "bad')
        time.sleep(1)
        kill(child.pid, signal.SIGINT)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            kill(child.pid, signal.SIGKILL)
    return log


def told(log: Path) -> tuple[int, str, str]:
    """The exit status of `explain`, the code of its first finding, and its message."""
    command = [sys.executable, "-m", "doctor", "explain", log, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    first = json.loads(done.stdout)["findings"][0]
    return done.returncode, first["code"], first["message"]


def main() -> int:
    """Tries all, prints a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SERVERS))
    parser.add_argument("--keep")
    parser.add_argument("--environment", action="append", default=[], metavar="NAME=FOLDER")
    asked = parser.parse_args()
    given = dict(one.split("=", 1) for one in asked.environment)
    wrong = tried = 0
    with tempfile.TemporaryDirectory(prefix="qvl-healthy-") as scratch:
        folder = Path(asked.keep or scratch)
        for name in asked.names:
            programs = installed(name, SERVERS[name], folder, given)
            if programs is None:
                print(f"left out  {name}: --environment {SERVERS[name].needs}=FOLDER")
                continue
            here = folder / f"{name}.run"
            here.mkdir(parents=True, exist_ok=True)
            try:
                status, code, message = told(log_of(SERVERS[name], programs, here))
            except TimeoutError as error:
                print(f"no server {name}: {error}")
                continue
            tried += 1
            good = status == 0 and code == "RUN005"
            wrong += not good
            print(f"{'healthy ' if good else 'WRONG   '}  {name}: {status} {code} {message[:160]}", flush=True)
    print(f"{tried - wrong} of {tried} logs are called healthy")
    return int(wrong > 0 or not tried)


if __name__ == "__main__":
    raise SystemExit(main())
