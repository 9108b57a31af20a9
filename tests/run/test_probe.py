"""`run --probe`: once the server is ready, it is asked what its users will ask."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, ended, environment, wait_for

ROOT = Path(__file__).parents[2]
SERVER = f"""#!{PYTHON}
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.probe import serving
from tests.probe.misbehaving import refuses
port = int(sys.argv[sys.argv.index('--port') + 1])
acts = {{'image': refuses(400, 'owl is not a multimodal model')}} if os.environ.get('BLIND') else {{}}
handler = type('Own', (serving.Handler,), {{'stub': serving.Stub(acts, os.environ.get('VLLM_API_KEY'))}})
serving.ThreadingHTTPServer(('127.0.0.1', port), handler).serve_forever()
"""


@pytest.mark.parametrize(("variables", "said", "kept"), [
    ({"VLLM_API_KEY": "a-secret-of-the-server"}, "✓ image: `A ", ""),
    ({"BLIND": "1"}, "✗ image: SRV170 no-image-support", "error SRV170"),
])  # fmt: skip
def test_the_server_is_asked_when_it_is_ready(
    doctor: Doctor, tmp_path: Path, variables: dict[str, str], said: str, kept: str
) -> None:
    program = tmp_path / "vllm"
    program.write_text(SERVER)
    program.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shown = tmp_path / "shown"
    with shown.open("wb") as out:
        process = doctor.start([str(program), "serve", "m", "--port", str(port)], "--probe", "--no-check",
                               env=environment(NO_PROXY="127.0.0.1", **variables), stdout=out, stderr=subprocess.STDOUT)  # fmt: skip
    try:
        wait_for(lambda: b"probe: \xe2\x9c\x97 gpu" in shown.read_bytes() or b"gpu: " in shown.read_bytes(), 60)
        wait_for(lambda: kept in shown.read_text(), 10)
    finally:
        process.send_signal(signal.SIGTERM)
        ended(process, 30)
    assert f"probe: {said}" in shown.read_text()
    assert said in (doctor.folder / "probe.txt").read_text()
    assert any(kept in w for w in doctor.report["warnings"]) or not kept
    assert "a-secret-of-the-server" not in shown.read_text() + (doctor.folder / "probe.txt").read_text()
    assert not any("probe" in str(p) for p in doctor.report.get("processes", [])), "the probe is not the server's"
