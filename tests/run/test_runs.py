"""The runs afterwards: list, show, follow, prune."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, ended, environment, wait_for


def cli(*words: str, **kw: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, "-m", "doctor", *words], capture_output=True, text=True, env=environment(), timeout=30, check=False
    )


def test_list_show_and_prune(doctor: Doctor) -> None:
    base = ["--log-dir", str(doctor.base)]
    for code in (0, 3):
        doctor.run(["sh", "-c", f"echo said {code}; exit {code}"])
    living = doctor.start([PYTHON, "-c", "import time; print('up'); time.sleep(30)"])
    wait_for(lambda: b"up" in doctor.log)
    rows = json.loads(cli("runs", "list", *base, "--format", "json").stdout)["runs"]
    assert sorted((r["state"], r["exit_code"]) for r in rows) == [("failed", 3), ("running", None), ("success", 0)]
    failed = next(r["id"] for r in rows if r["state"] == "failed")
    assert "said 3" in cli("runs", "show", failed, *base).stdout
    assert cli("report", failed, *base).returncode == 1
    assert "2 runs removed" in cli("runs", "prune", "--keep", "0", *base).stdout
    assert [p.name for p in doctor.base.iterdir()] == [r["id"] for r in rows if r["state"] == "running"]
    living.send_signal(signal.SIGTERM)
    assert ended(living) == 143


def test_prune_touches_nothing_that_is_no_run(doctor: Doctor) -> None:
    doctor.run(["true"])
    other = doctor.base / "20200101T000000Z-1"
    other.mkdir()
    (other / "meta.json").write_text("{}")
    (doctor.base / "note.txt").write_text("mine")
    cli("runs", "prune", "--keep", "0", "--log-dir", str(doctor.base))
    assert sorted(p.name for p in doctor.base.iterdir()) == [other.name, "note.txt"]


def test_follow_shows_what_comes_and_ends_with_the_server(doctor: Doctor) -> None:
    code = "import time\nfor i in range(8): print('\\x1b[31mLINE', i); time.sleep(0.2)"
    process = doctor.start([PYTHON, "-c", code])
    wait_for(lambda: doctor.base.exists() and b"LINE 1" in doctor.log)
    out = cli("runs", "follow", "last", "--log-dir", str(doctor.base))
    assert ended(process) == 0
    assert out.returncode == 0
    assert [f"LINE {i}" for i in range(8)] == out.stdout.splitlines()


@pytest.mark.parametrize(
    "words", [("report", "no-such-run"), ("runs", "show", "no-such-run"), ("runs", "export", "nope")]
)
def test_a_run_that_is_not_there(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = cli(*words, "--log-dir", str(tmp_path))
    assert done.returncode == 2
    assert "no run" in done.stderr and "Traceback" not in done.stderr


def test_damaged_files_do_not_stop_the_report(doctor: Doctor) -> None:
    doctor.run(["sh", "-c", "echo the last words; exit 3"])
    (doctor.folder / "events.jsonl").write_bytes(b'{"event": "start", "pid"\n\xff\xfe[[[[\n' + b"[" * 100_000)
    (doctor.folder / "samples.jsonl").write_bytes(os.urandom(1000))
    done = cli("report", str(doctor.folder))
    assert "the last words" in done.stdout and "Traceback" not in done.stderr


def test_the_samples_stay_bounded(tmp_path: Path) -> None:
    from doctor.run.watch import samples

    sampler = samples.Sampler(tmp_path / "samples.jsonl", lambda: [os.getpid()], time.monotonic())
    for _ in range(30_000):
        sampler._sample()
    rows = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert (tmp_path / "samples.jsonl").stat().st_size <= samples.LIMIT + 200
    assert rows[-1]["rss"] > 0 and [r["t"] for r in rows] == sorted(r["t"] for r in rows)


def test_unusual_options(doctor: Doctor) -> None:
    assert doctor.run(["true"], "--max-log", "much").returncode == 2
    assert doctor.run(["true"], "--no-such-option").returncode == 2
    assert doctor.run(["sh", "-c", "exit 3"], "--max-log", "0", "--grace", "0").returncode == 3


def test_a_run_lives_while_a_daemon_of_it_writes(doctor: Doctor) -> None:
    code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(8); print('late', flush=True)\n    os._exit(0)\n"
    done = doctor.run([PYTHON, "-c", code], "--no-check")
    assert done.returncode == 0
    cli("runs", "prune", "--keep", "0", "--log-dir", str(doctor.base))
    assert doctor.folder.exists(), "its daemon holds the log"
    wait_for(lambda: b"late" in (doctor.folder / "output.log").read_bytes())
    wait_for(
        lambda: cli("runs", "prune", "--keep", "0", "--log-dir", str(doctor.base)) and not list(doctor.base.iterdir())
    )


def test_what_a_kill_left_before_the_run_began_is_removed(doctor: Doctor) -> None:
    doctor.base.mkdir(parents=True, exist_ok=True)
    for name in ("20240101T000000Z-999999999", "20240101T000000Z-1", "notes"):
        (doctor.base / name).mkdir()
    cli("runs", "prune", "--log-dir", str(doctor.base))
    assert sorted(p.name for p in doctor.base.iterdir()) == ["20240101T000000Z-1", "notes"]
