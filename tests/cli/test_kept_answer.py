"""A check that was answered before: the same words again, and never when something has changed that they depend on."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import doctor as package
from doctor.base.reading import Bounds
from doctor.collect import answers
from doctor.facts import Facts, Gpu, Host, Network, Target
from doctor.facts.gpu import Device
from doctor.facts.host import Disk
from doctor.facts.readings import noted, readings
from tests.cli.running import distribution, doctor, lay_out

MARK = "an answer that was kept"
PORT = 23399
QUESTION = ("check", "--offline", "--python", "env", "--gpu", "RTX 4090", "--")
LAUNCH = ("vllm", "serve", "Qwen/Qwen2.5-VL-3B-Instruct")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="answers are not kept on Windows")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an environment, and the kept answer to `QUESTION`, which says MARK and ends with 7."""
    files = distribution("vllm", "0.11.0", {"vllm/__init__.py": "", "vllm/entrypoints/__init__.py": ""})
    site = {f"env/lib/python3.11/site-packages/{name}": text for name, text in files.items()}
    lay_out(tmp_path, {"env/pyvenv.cfg": "home = /usr/bin\nversion = 3.11.7\n", "env/bin/python": "", **site})
    first = doctor(*QUESTION, *LAUNCH, home=tmp_path)
    assert first.returncode in (0, 1) and len(kept(tmp_path)) == 1, first.stderr
    written = json.loads(kept(tmp_path)[0].read_text())
    assert written["text"] == first.stdout and written["status"] == first.returncode
    kept(tmp_path)[0].write_text(json.dumps({**written, "text": MARK, "status": 7}))
    return tmp_path


def kept(home: Path) -> list[Path]:
    return list((home / "cache/qvl-doctor/answers").glob("*.json"))


def test_the_same_question_is_answered_from_what_is_kept(home: Path) -> None:
    again = doctor(*QUESTION, *LAUNCH, home=home)
    assert (again.stdout, again.returncode) == (MARK, 7)


ASKED_OTHERWISE: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "another model": ((*QUESTION, *LAUNCH[:2], "Qwen/Qwen2-VL-2B-Instruct"), {}),
    "another option of the command": ((*QUESTION, *LAUNCH, "--max-model-len", "100"), {}),
    "more of it": (("check", "-v", *QUESTION[1:], *LAUNCH), {}),
    "another form": (("check", "--format", "brief", *QUESTION[1:], *LAUNCH), {}),
    "another limit": (("check", "--fail-on", "never", *QUESTION[1:], *LAUNCH), {}),
    "without a rule": (("check", "--ignore", "PKG", *QUESTION[1:], *LAUNCH), {}),
    "without what is kept": (("check", "--no-cache", *QUESTION[1:], *LAUNCH), {}),
    "another language": (("check", "--lang", "zh", *QUESTION[1:], *LAUNCH), {}),
    "another variable": ((*QUESTION, *LAUNCH), {"VLLM_USE_V1": "0"}),
    "another width": ((*QUESTION, *LAUNCH), {"COLUMNS": "60"}),
    "another height": ((*QUESTION, *LAUNCH), {"LINES": "12"}),
}


@pytest.mark.parametrize("how", ASKED_OTHERWISE)
def test_another_question_is_thought_over(home: Path, how: str) -> None:
    words, variables = ASKED_OTHERWISE[how]
    assert MARK not in doctor(*words, home=home, **variables).stdout


def _upgraded(home: Path) -> None:
    site = home / "env/lib/python3.11/site-packages"
    shutil.move(site / "vllm-0.11.0.dist-info", site / "vllm-0.11.1.dist-info")
    metadata = site / "vllm-0.11.1.dist-info/METADATA"
    metadata.write_text(metadata.read_text().replace("0.11.0", "0.11.1"))


def _edited(home: Path) -> None:
    (home / "env/lib/python3.11/site-packages/vllm/__init__.py").write_text("import nowhere_to_be_found\n")


def _open_to_others(home: Path) -> None:
    kept(home)[0].chmod(0o666)


def _cut(home: Path) -> None:
    kept(home)[0].write_text(kept(home)[0].read_text()[:40])


@pytest.mark.parametrize("change", [_upgraded, _edited, _open_to_others, _cut])
def test_what_has_changed_is_looked_at(home: Path, change: Callable[[Path], None]) -> None:
    change(home)
    assert MARK not in doctor(*QUESTION, *LAUNCH, home=home).stdout


def test_a_port_that_somebody_took_meanwhile_is_seen(home: Path) -> None:
    words = (*QUESTION[:4], "--", *LAUNCH, "--port", str(PORT))
    assert f"Port {PORT} is in use" not in doctor(*words, "-v", home=home).stdout
    with socket.create_server(("127.0.0.1", PORT)):
        assert f"Port {PORT} is in use" in doctor("check", "-v", *words[1:], home=home).stdout
    assert f"Port {PORT} is in use" not in doctor("check", "-v", *words[1:], home=home).stdout


def test_doctors_own_code_tells_answers_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, {"doctor/__init__.py": "", "doctor/rules/one.py": "A = 1\n", "matrices/VERSION": "1"})
    monkeypatch.setattr(package, "__file__", str(tmp_path / "doctor/__init__.py"))
    before = answers.own_code()
    (tmp_path / "doctor/__pycache__").mkdir()
    assert answers.own_code() == before
    (tmp_path / "doctor/rules/one.py").write_text("A = 22\n")
    edited = answers.own_code()
    (tmp_path / "matrices/VERSION").write_text("20")
    assert len({before, edited, answers.own_code()}) == 3


def test_the_single_file_keeps_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tells one build of it from another."""
    monkeypatch.setattr(package, "__file__", "/opt/qvl-doctor.pyz/doctor/__init__.py")
    assert answers.own_code() == "" and answers.place("a question", {}) is None


def facts(available: int, free: int, listening: tuple[str, ...] = (), mtu: int = 1500, clock: float = 1.0) -> Facts:
    host = Host("linux", memory_total=100, memory_available=available, disks=(Disk("tmp", "/tmp", free=7),))
    gpu = Gpu(devices=(Device(0, "GPU", (8, 9), 24, free),))
    return Facts(
        Target("unknown", None, "", ()), host=Host(**{**vars_of(host), "listening": listening}), gpu=gpu,
        network=Network(name=str(mtu), clock=clock),
    )  # fmt: skip


def vars_of(host: Host) -> dict[str, object]:
    return {name: getattr(host, name) for name in Host.__dataclass_fields__}


def test_numbers_of_the_moment_are_no_part_of_the_question() -> None:
    one, numbers = readings(facts(50, 20, ("[::]:22",), 1500, 1.0))
    other, others = readings(facts(51, 21, (), 9000, 2.0))
    assert one == other
    assert numbers["host.memory_available"] == 50 and others["gpu 0.memory_free"] == 21
    assert numbers["disk tmp.free"] == 7 and numbers["network"] != others["network"]


def test_what_was_asked_of_the_facts_is_noted() -> None:
    log: dict[str, Bounds] = {}
    seen = noted(facts(50, 20), log)
    assert log == {}
    assert isinstance(seen.host, Host) and isinstance(seen.gpu, Gpu) and isinstance(seen.network, Network)
    assert (seen.host.memory_available or 0) < 60 and seen.gpu.devices[0].memory_free == 20
    assert seen.host.on_port(8000) == () and seen.network.name == "1500"
    assert log["host.memory_available"] == (1, 59) and log["gpu 0.memory_free"] == (20, 20)
    assert log["port 8000"] == (0, 0) and log["network"] == (readings(facts(1, 1))[1]["network"],) * 2


def on_terminal(home: Path, rows: int) -> str:
    """What the question prints on a terminal of so many rows."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 90, 0, 0))
    environ = {
        k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "PYTEST_CURRENT_TEST", "VIRTUAL_ENV")
    }
    environ |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-m", "doctor", *QUESTION, *LAUNCH]
    with subprocess.Popen(
        words, stdout=theirs, stderr=subprocess.DEVNULL, cwd=home, env={**environ, "TERM": "xterm"}
    ) as child:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # how the end of a terminal looks on Linux
            while block := os.read(ours, 65536):
                said += block
    os.close(ours)
    assert child.returncode in (0, 1)
    return said.decode()


def test_a_lower_terminal_gets_an_answer_of_its_own(home: Path) -> None:
    high, low = on_terminal(home, 200), on_terminal(home, 14)
    assert high.count("\n") > low.count("\n") and (on_terminal(home, 200), on_terminal(home, 14)) == (high, low)
