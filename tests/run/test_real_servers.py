"""Real servers on a processor: one that serves pictures, one that cannot start without a GPU."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
import zlib
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, ended, environment, text, wait_for
from environments import lmdeploy_env, transformers_env

pytestmark = [pytest.mark.registry, pytest.mark.timeout(1500)]
OFFLINE = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "2"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random Qwen2-VL, saved by transformers itself."""
    folder = tmp_path_factory.mktemp("model") / "tiny-qwen2-vl"
    maker = Path(__file__).with_name("make_qwen2_vl.py")
    command = [str(transformers_env() / "bin/python"), str(maker), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment(**OFFLINE))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _png(size: int) -> bytes:
    """A picture with a gradient."""
    rows = b"".join(b"\0" + b"".join(bytes((x * 4 % 256, y * 4 % 256, 90)) for x in range(size)) for y in range(size))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _ask(port: int, model: str) -> dict[str, object]:
    """The answer of the chat route to a picture and a question."""
    picture = {"url": "data:image/png;base64," + base64.b64encode(_png(56)).decode()}
    content = [{"type": "image_url", "image_url": picture}, {"type": "text", "text": "What is it?"}]
    body = {"model": model, "max_tokens": 8, "messages": [{"role": "user", "content": content}]}
    address = f"http://127.0.0.1:{port}/v1/chat/completions"
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        value: dict[str, object] = json.load(answer)
        return value


def test_transformers_serves_a_picture_and_stops_cleanly(
    doctor: Doctor, model: Path, port: int, tmp_path: Path
) -> None:
    command = [str(transformers_env() / "bin/transformers"), "serve", str(model), "--host", "127.0.0.1",
               "--port", str(port), "--device", "cpu"]  # fmt: skip
    told = tmp_path / "told"
    with told.open("wb") as out:
        process = doctor.start(command, "--ready", "auto", env=environment(**OFFLINE), stdout=out, stderr=out)
    try:
        wait_for(lambda: f"ready at http://127.0.0.1:{port}" in text(told) or process.poll() is not None, 180)
        assert process.poll() is None, text(told)[-4000:]
        answer = _ask(port, str(model))
    finally:
        process.send_signal(signal.SIGTERM)
        status = ended(process, 60)
    assert answer["choices"][0]["message"]["role"] == "assistant"  # type: ignore[index]
    assert answer["usage"]["completion_tokens"] > 0 < answer["usage"]["prompt_tokens"]  # type: ignore[index]
    report = doctor.report
    assert status in (0, 143) and report["cause"]["kind"] == "stopped" and report["survivors"] == []
    assert b"Finished server process" in doctor.log and report["findings"] == []
    assert report["ready"][0]["after_seconds"] > 0 and report["memory"]["rss_peak"] > 100 << 20
    assert (doctor.folder / "facts.json").exists(), "the check before the start came first"


def test_lmdeploy_without_a_gpu_says_why_it_died(doctor: Doctor, model: Path, port: int) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("there is a GPU here")
    command = [str(lmdeploy_env() / "bin/lmdeploy"), "serve", "api_server", str(model), "--server-port", str(port)]
    done = doctor.run(command, "--force", env=environment(**OFFLINE), timeout=180)
    report = doctor.report
    assert report["outcome"] == "exited" and report["exit_code"] == done.returncode != 0, doctor.log[-3000:]
    told = subprocess.run(
        [PYTHON, "-m", "doctor", "explain", doctor.folder.name[:18], "--log-dir", str(doctor.base), "--format", "json"],
        capture_output=True, text=True, env=environment(), timeout=60,
    )  # fmt: skip
    first = json.loads(told.stdout)["findings"][0]
    words = json.dumps(first).lower()
    assert first["code"] != "RUN001" and first["severity"] == "error", doctor.log[-3000:]
    assert any(
        w in words for w in ("no nvidia gpu", "libcuda", "libcublas", "without cuda", "cpu build", "cpu-torch")
    ), first
    assert first["message"] in done.stdout.decode(), "the end of the run names the same cause"
    assert os.fspath(sys.executable) not in words
