"""A server that says nothing before it is ready: what it waits for is told, and a ready one is left alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor

from doctor.run.silence import Silence
from doctor.run.silence.snapshot import waits_for
from doctor.run.silence.stacks import _innermost

pytestmark = pytest.mark.system

CONNECTS = """
import socket, time
full = socket.socket(); full.bind(("127.0.0.1", 0)); full.listen(0)
others = []
for _ in range(4):
    one = socket.socket(); one.setblocking(False); one.connect_ex(full.getsockname()); others.append(one)
print("connecting", flush=True); time.sleep(60)
"""
DOWNLOADS = """
import sys, time
file = open(sys.argv[1], "wb", buffering=0)
file.write(b"x" * 1000)
print("loading", flush=True)
while True:
    time.sleep(0.05)
    if len(sys.argv) > 2: file.write(b"x" * 100_000)
"""
LISTENS = """
import socket, sys, time
one = socket.socket(); one.bind(("127.0.1.1", 0)); one.listen()
print("listening", flush=True); time.sleep(60)
"""
BUSY = "print('x', flush=True)\nwhile True: pass"
SLEEPS = "import time\nprint('x', flush=True)\ntime.sleep(60)"


@contextmanager
def server(code: str, *words: str) -> Iterator[int]:
    """A process that has said one line."""
    child = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None and child.stdout.readline()
        yield child.pid
    finally:
        child.kill()
        child.wait()


def test_who_does_not_answer_is_named() -> None:
    with server(CONNECTS) as pid:
        said = waits_for([pid], 0.2)
    assert said.startswith(f"process {pid} (python") and "tries to connect to 127.0.0.1:" in said


def test_a_download_that_goes_on_and_one_that_stands_still(tmp_path: Path) -> None:
    file = str(tmp_path / "model-00001.safetensors.incomplete")
    with server(DOWNLOADS, file, "grows") as pid:
        assert "it downloads a file, " in (said := waits_for([pid], 0.5)) and "/s" in said
    with server(DOWNLOADS, file) as pid:
        assert "the download of a file stands still at 1000 bytes" in waits_for([pid], 0.2)


def test_a_rank_that_listens_where_no_other_node_can_come() -> None:
    with server(LISTENS, "--nnodes", "2") as pid:
        assert "listens on 127.0.1.1:" in (said := waits_for([pid], 0.1)) and "no other node can reach" in said
    with server(LISTENS, "--nnodes", "1") as pid:
        assert "listens on" not in waits_for([pid], 0.1)


def test_busy_and_asleep() -> None:
    with server(BUSY) as pid:
        assert "it computes: process" in waits_for([pid], 0.5)
    with server(SLEEPS) as pid:
        assert "its one process sleeps" in waits_for([pid], 0.2)
        assert waits_for([pid, 2**22 + 7], 0.1).startswith("its one process")


def test_a_stack_of_py_spy_is_one_clause() -> None:
    dump = (
        "Process 7: python x.py\nPython v3.11.7\n\nThread 9 (idle): \"Thread-1\"\n    wait (threading.py:1)\n"
        "Thread 7 (idle): \"MainThread\"\n    recv (torch/distributed/store.py:12)\n    init (vllm/parallel.py:34)\n"
    )
    assert _innermost(7, dump) == "process 7 is in recv (store.py:12) < init (parallel.py:34)"
    assert _innermost(9, dump) == "process 9 is in wait (threading.py:1)"
    assert _innermost(7, "Error: no permission") is None


def heard(silence: Silence, seconds: float) -> list[str]:
    """What is said within so many seconds."""
    out, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        if (said := silence.news()) is not None:
            out.append(said)
        time.sleep(0.02)
    return out


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doctor.run.silence.SECONDS", 0.1)


def test_it_is_said_once_for_a_while_and_only_of_one_that_starts() -> None:
    with server(SLEEPS) as pid:
        said = heard(Silence(lambda: [pid], lambda: 5, lambda: True, 0.2), 2.0)
        assert len(said) == 1 and "not ready: its one process sleeps" in said[0]
        assert heard(Silence(lambda: [pid], lambda: 5, lambda: False, 0.2), 0.8) == []


def test_one_that_writes_is_not_looked_at() -> None:
    written = iter(range(10**9))
    asked: list[int] = []
    assert heard(Silence(lambda: asked, lambda: next(written), lambda: True, 0.2), 0.8) == []


def vllm(tmp_path: Path, body: str) -> str:
    path = tmp_path / "vllm"
    path.write_text(f"#!{PYTHON}\nimport time\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("print('INFO loading', flush=True); time.sleep(6)", True),
        ("print('INFO:     Application startup complete.', flush=True); time.sleep(6)", False),
    ],
)
def test_a_run_says_it(doctor: Doctor, tmp_path: Path, body: str, says: bool) -> None:
    done = doctor.run([vllm(tmp_path, body), "serve", "m"], "--no-check", "--silence", "1")
    assert (b"and not ready: its one process sleeps" in done.stdout) == says, done.stdout


def test_a_command_that_is_no_server_may_be_quiet(doctor: Doctor) -> None:
    done = doctor.run([PYTHON, "-c", "import time; time.sleep(4)"], "--no-check", "--silence", "1")
    assert b"not ready" not in done.stdout


def test_it_can_be_turned_off(doctor: Doctor, tmp_path: Path) -> None:
    done = doctor.run([vllm(tmp_path, "time.sleep(4)"), "serve", "m"], "--no-check", "--silence", "0")
    assert b"not ready" not in done.stdout
