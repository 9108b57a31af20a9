"""Ready or not: ports, routes, models, keys."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, ended, wait_for

from doctor.launch.listening import recognize
from doctor.run import ready

SERVER = """
import http.server, json, os, sys, time
started = time.monotonic()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        late = time.monotonic() - started > float(os.environ.get('LATE', '0.4'))
        key = os.environ.get('VLLM_API_KEY')
        code, body = 503, b''
        if late and self.path == '/health': code = 200
        if late and self.path == '/v1/models':
            code, body = 200, json.dumps({'data': [{'id': 'some/model'}]}).encode()
            if key and self.headers.get('Authorization') != 'Bearer ' + key: code, body = 401, b''
        self.send_response(code); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
host, port = '127.0.0.1', int(sys.argv[sys.argv.index('--port') + 1])
http.server.ThreadingHTTPServer((host, port), Handler).serve_forever()
"""


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def vllm(tmp_path: Path) -> str:
    """A command of an engine's name with an engine's routes, on the standard library."""
    path = tmp_path / "vllm"
    path.write_text(f"#!{PYTHON}\n{SERVER}")
    path.chmod(0o755)
    return str(path)


def _stopped(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return ended(process)


def _said(doctor: Doctor) -> str:
    return (
        (doctor.folder / "events.jsonl").read_text()
        if doctor.base.exists() and list(doctor.base.glob("*/events.jsonl"))
        else ""
    )


@pytest.mark.parametrize("key", [None, "a-secret-of-the-server"])
def test_an_engine_becomes_ready(doctor: Doctor, vllm: str, port: int, key: str | None) -> None:
    from doctor_run import environment

    env = environment(**({"VLLM_API_KEY": key} if key else {}))
    process = doctor.start(
        [vllm, "serve", "m", "--port", str(port)], "--ready", "auto", "--no-check", env=env, stderr=subprocess.PIPE
    )
    wait_for(lambda: '"ready"' in _said(doctor))
    assert _stopped(process) == 143
    (found,) = doctor.report["ready"]
    assert found["model"] == "some/model"
    assert found["address"] == f"http://127.0.0.1:{port}"
    assert 0.3 < found["after_seconds"] < 5
    assert process.stderr and f"ready at http://127.0.0.1:{port}, model some/model".encode() in process.stderr.read()


def test_a_server_that_never_answers(doctor: Doctor, vllm: str, port: int) -> None:
    from doctor_run import environment

    server = [vllm, "serve", "m", "--port", str(port)]
    process = doctor.start(server, "--no-check", "--ready", "auto", "--ready-timeout", "1", env=environment(LATE="99"))
    wait_for(lambda: "not ready after" in _said(doctor))
    assert process.poll() is None, "the server is left alone"
    assert _stopped(process) == 143


def test_a_port_in_use_is_noticed_before_the_start(doctor: Doctor, vllm: str, port: int) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        done = doctor.run([vllm, "serve", "m", "--port", str(port)])
    assert done.returncode == 125
    assert f"port {port} is already in use by process {os.getpid()}".encode() in done.stdout
    assert not doctor.base.exists()


def test_without_a_gpu_require_gpu_stops_the_server(doctor: Doctor, vllm: str, port: int) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("there is a GPU here")
    done = doctor.run([vllm, "serve", "m", "--port", str(port)], "--no-check", "--require-gpu", timeout=30)
    assert done.returncode == 125
    assert b"--require-gpu" in done.stdout


def test_an_unknown_command_says_that_readiness_is_not_watched(doctor: Doctor) -> None:
    done = doctor.run(["sh", "-c", "sleep 0.5; exit 3"], "--ready", "auto")
    assert done.returncode == 3
    assert b"the port of this command is unknown" in done.stdout


def test_a_ready_address_that_is_none(doctor: Doctor) -> None:
    for address in (
        "ftp://x",
        "http://",
        "http://a b/",
        "http://[::1",
        "http://h:99999/",
        "http://h:0/",
        "http://\x1b[31m/",
    ):
        done = doctor.run(["true"], "--ready", address)
        assert done.returncode == 2 and b"http://" in done.stdout and b"Traceback" not in done.stdout, address
    done = doctor.run(["true"], "--ready", "ftp://user:hunter2secret@h/")
    assert b"hunter2secret" not in done.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "[::ffff:127.0.0.1]"])
def test_a_stranger_on_the_port_is_not_the_server(doctor: Doctor, host: str, port: int) -> None:
    """By whatever address of this machine it is asked."""
    other = subprocess.Popen([PYTHON, "-m", "http.server", "--bind", "0.0.0.0", str(port)], cwd="/proc/self/fd")
    try:
        wait_for(lambda: ready.get(f"http://127.0.0.1:{port}", "/"))
        server = ["sh", "-c", "sleep 4"]
        done = doctor.run(server, "--no-check", "--ready", f"http://{host}:{port}/", "--ready-timeout", "2")
    finally:
        other.kill()
        other.wait()
    assert b"ready at" not in done.stdout
    assert f"process {other.pid}".encode() in done.stdout and b"does not belong to this run" in done.stdout


def test_a_server_that_drips_is_not_waited_for(port: int) -> None:
    drip = (  # one header a second
        "import socket, sys, time\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nc, _ = s.accept()\n"
        "c.sendall(b'HTTP/1.1 200 OK\\r\\n')\nwhile True: c.sendall(b'X: y\\r\\n'); time.sleep(0.5)"
    )
    other = subprocess.Popen([PYTHON, "-c", drip, str(port)], stderr=subprocess.DEVNULL)
    try:
        wait_for(
            lambda: (
                "0A"
                in "".join(line for line in Path("/proc/net/tcp").read_text().split("\n") if f":{port:04X}" in line)
            )
        )
        began = time.monotonic()
        assert ready.get(f"http://127.0.0.1:{port}", "/health") is None
        assert time.monotonic() - began < ready.PATIENCE + 2
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("words", [("--ssl-keyfile", "k", "--ssl-certfile", "c"), ("--ssl-keyfile=k",)])
def test_a_server_with_a_certificate_is_asked_over_tls(words: tuple[str, ...]) -> None:
    found = recognize(["vllm", "serve", "m", *words], {})
    assert found and found.address == "https://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("argv", "engine", "address"),
    [
        (["lmdeploy", "serve", "api_server", "m"], "lmdeploy", "http://127.0.0.1:23333"),
        (["/x/bin/lmdeploy", "serve", "api_server", "m", "--server-port=99"], "lmdeploy", "http://127.0.0.1:99"),
        (
            ["python3.11", "-u", "-m", "vllm.entrypoints.openai.api_server", "--port", "81"],
            "vllm",
            "http://127.0.0.1:81",
        ),
        (["env", "A=1", "nohup", "vllm", "serve", "m", "--host", "::"], "vllm", "http://[::1]:8000"),
        (
            ["python", "-X", "dev", "-m", "sglang.launch_server", "--host", "0.0.0.0"],
            "sglang",
            "http://127.0.0.1:30000",
        ),
        (["python", "/v/bin/vllm", "serve", "m"], "vllm", "http://127.0.0.1:8000"),
        (["transformers", "serve", "--port", "9"], "transformers", "http://localhost:9"),
        (["uvicorn", "app:app", "--port", "77"], "uvicorn", "http://127.0.0.1:77"),
    ],
)
def test_known_servers(argv: list[str], engine: str, address: str) -> None:
    server = recognize(argv, {})
    assert server and (server.engine, server.address) == (engine, address)


@pytest.mark.parametrize(
    "argv", [["sh", "-c", "echo vllm"], ["python", "-c", "1"], ["lmdeploy", "chat", "m"], ["vllm"], []]
)
def test_unknown_commands(argv: list[str]) -> None:
    assert recognize(argv, {}) is None


def test_a_hostile_answer_is_bounded(port: int) -> None:
    """An endless body and a body that is no JSON give no model, and end."""
    import threading

    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        for body in (b"x" * 5_000_000, b'{"data": [{"id": "\\u001b[2Jm"}]}', b"[" * 100_000):
            connection, _ = listener.accept()
            connection.recv(4096)
            with contextlib.suppress(OSError):  # the asker goes when it has enough
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    address = f"http://127.0.0.1:{port}"
    answers = [ready.get(address, "/v1/models") for _ in range(3)]
    assert answers[0] is None or len(answers[0][1]) <= 1 << 20
    assert ready.model_of(answers[1]) == "\\x1b[2Jm"
    assert ready.model_of(answers[2]) is None
    listener.close()


@pytest.fixture(scope="module")
def with_uvicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A virtual environment with uvicorn from the package index."""
    place = tmp_path_factory.mktemp("uvicorn") / "env"
    venv.create(place, with_pip=True)
    done = subprocess.run(
        [place / "bin/python", "-m", "pip", "install", "-q", "uvicorn"], capture_output=True, timeout=300
    )
    if done.returncode:
        pytest.skip("uvicorn cannot be had from the package index")
    yield place


@pytest.mark.registry
def test_uvicorn_as_a_plain_server(doctor: Doctor, with_uvicorn: Path, tmp_path: Path, port: int) -> None:
    (tmp_path / "app.py").write_text(
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http': return\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'hello'})\n"
    )
    server = [str(with_uvicorn / "bin/uvicorn"), "app:app", "--port", str(port), "--workers", "2"]
    process = doctor.start(server, "--ready", "auto", cwd=tmp_path)
    wait_for(lambda: '"ready"' in _said(doctor), 30)
    answer = ready.get(f"http://127.0.0.1:{port}", "/")
    assert answer == (200, b"hello")
    process.send_signal(signal.SIGINT)
    assert ended(process) in (0, 130)
    assert b"Application startup" in doctor.log or b"Uvicorn running" in doctor.log
    assert doctor.report["survivors"] == [] and doctor.report["requested"][0]["name"] == "SIGINT"
    assert ready.get(f"http://127.0.0.1:{port}", "/") is None


@pytest.mark.parametrize(("options", "sure"), [([], True), (["--config", "c.yaml"], False), (["--uds=/x"], False)])
def test_a_port_that_may_come_from_elsewhere(options: list[str], sure: bool) -> None:
    server = recognize(["vllm", "serve", "m", *options], {})
    assert server and server.sure is sure
    explicit = recognize(["vllm", "serve", "m", *options, "--port", "9"], {})
    assert explicit and explicit.sure
