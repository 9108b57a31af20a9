"""The root cause of a run: in its report, by `explain RUN-ID`, and from a log with a hole in it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from doctor_run import PYTHON, Doctor, environment

from doctor.base.secrets.redactor import Redactor
from doctor.run.log import logfile, reading
from doctor.run.story import cause
from doctor.run.story.decode import read_facts

CRASH = (
    "Traceback (most recent call last):\n"
    '  File "/opt/v/lib/python3.12/site-packages/vllm/v1/engine/core.py", line 12, in run\n'
    "    start()\nRuntimeError: UVA is not available\n"
)
DIES = f"import sys; sys.stderr.write({CRASH!r}); sys.exit(1)"


def explain(*words: str) -> subprocess.CompletedProcess[str]:
    command = [PYTHON, "-m", "doctor", "explain", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=30, check=False)


@pytest.mark.parametrize("name", ["last", "an id", "the folder"])
def test_a_run_is_explained_by_its_name(doctor: Doctor, name: str) -> None:
    doctor.run([PYTHON, "-c", DIES])
    subject = {"an id": doctor.folder.name, "the folder": str(doctor.folder)}.get(name, name)
    done = explain(subject, "--log-dir", str(doctor.base), "--format", "json")
    first = json.loads(done.stdout)["findings"][0]
    assert done.returncode == 1 and first["code"] == "RUN631" and first["evidence"][0]["source"] == "line 4"


def test_the_report_names_the_cause_and_the_way_out(doctor: Doctor) -> None:
    done = doctor.run([PYTHON, "-c", DIES])
    first = doctor.report["findings"][0]
    assert {"code", "name", "severity", "confidence", "primary", "follows_from", "location"} <= set(first)
    for said in (done.stdout.decode(), (doctor.folder / "report.txt").read_text()):
        assert f"ause, from the log: {first['message']}" in said
    assert f"fix: {first['remediations'][0]['title']}" in (doctor.folder / "report.txt").read_text()


def test_two_streams_are_read_as_two_logs(doctor: Doctor, tmp_path: Path) -> None:
    out, err = (tmp_path / "out").open("wb"), (tmp_path / "err").open("wb")
    doctor.run([PYTHON, "-c", f"print('up'); {DIES}"], stdout=out, stderr=err)
    assert len(logfile.logs_of(doctor.folder)) == 2
    assert cause.find(doctor.folder, Redactor())[0].rule == "RUN631"


def test_no_such_run(tmp_path: Path) -> None:
    done = explain("20200101T000000Z-1", "--log-dir", str(tmp_path))
    assert done.returncode == 2 and "is not a code, a log or a known run" in done.stderr


def test_a_hole_is_skipped(tmp_path: Path) -> None:
    """The middle of a bounded log is given up: its zeros are neither read nor taken for UTF-16."""
    path, size = tmp_path / "output.log", 256 << 20
    with path.open("wb") as file:
        file.write(b"the first line\nhalf a li")
        file.seek(size)
        file.write(b"ne, cut\n" + CRASH.encode())
    if path.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system knows no holes")
    with reading.Whole(path) as log:
        data = b"".join(iter(lambda: log.read(1 << 16), b""))
    assert data == b"the first line\nhalf a li\nne, cut\n" + CRASH.encode()
    done = explain(str(path), "--format", "json")
    assert json.loads(done.stdout)["findings"][0]["code"] == "RUN631"


def test_a_log_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    path.write_bytes(b"x" * 300_000)
    with reading.Whole(path) as log:
        assert log.read(1000) == b"x" * 1000
        os.truncate(path, 500)
        assert log.read(1000) == b"" == log.read(1000)


def test_damaged_facts_are_no_obstacle(doctor: Doctor) -> None:
    doctor.run([PYTHON, "-c", DIES])
    for damage in ("[]", '{"schema": 99}', '{"schema": 1, "target": 3}', "{"):
        (doctor.folder / "facts.json").write_text(damage)
        assert read_facts(doctor.folder) is None and cause.find(doctor.folder, Redactor())[0].rule == "RUN631"


def test_a_server_that_could_not_say_anything(doctor: Doctor) -> None:
    doctor.run([PYTHON, "-c", "import os, signal; print('loading'); os.kill(os.getpid(), signal.SIGKILL)"])
    findings = json.loads(explain("last", "--log-dir", str(doctor.base), "--format", "json").stdout)["findings"]
    assert findings[0]["code"] == "RUN603" and "SIGKILL" in findings[0]["message"]
    assert findings[0]["confidence"] == "low", "who sent it is not known"


def test_an_oom_kill_is_told_from_the_counters(doctor: Doctor) -> None:
    doctor.run([PYTHON, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
    report = doctor.report
    report["cause"] = {
        "kind": "oom-kill",
        "confidence": "confirmed",
        "evidence": ["OOM kill confirmed: oom_kill 0 -> 1"],
    }
    (doctor.folder / "report.json").write_text(json.dumps(report))
    first = cause.ending(doctor.folder)
    assert first and first.rule == "RUN601" and first.confidence == "high"
    assert "oom_kill 0 -> 1" in (first.evidence[0].observed or "")
    (doctor.folder / "report.json").write_text('{"cause": [1]}')
    assert cause.ending(doctor.folder) is None
