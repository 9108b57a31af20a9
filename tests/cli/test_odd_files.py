"""A pipe, a device or a name without end where a file is expected: one sentence, at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import doctor

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs pipes with names")
LONG = "x" * 5000


def refused(status: int, said: str, *words: str, home: Path) -> None:
    done = doctor(*words, home=home)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert done.stderr.count("Error:") == 1 and said in done.stderr and "Traceback" not in done.stderr


def test_a_log_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(2, "not a regular file", "explain", "pipe", home=tmp_path)
    refused(2, "not a regular file", "explain", "/dev/zero", home=tmp_path)


def test_an_answer_for_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(3, "nobody reads", "matrix", "show", "lmdeploy==0.11.1", "--output", "pipe", home=tmp_path)


@pytest.mark.parametrize("words", [("report",), ("runs", "show"), ("explain",)])
def test_a_name_without_end(words: tuple[str, ...], tmp_path: Path) -> None:
    refused(2, "xxx", *words, LONG, home=tmp_path)


def test_a_command_without_end_is_not_started(tmp_path: Path) -> None:
    done = doctor("run", "--no-check", "--", "/x" * 3000, home=tmp_path)
    assert done.returncode in (126, 127) and "Traceback" not in done.stderr and "internal" not in done.stderr


def test_what_a_shell_hands_on_is_waited_for(tmp_path: Path) -> None:
    log = "sleep 0.2; echo 'RuntimeError: UVA is not available'"
    reading, writing = os.pipe()
    with subprocess.Popen(["sh", "-c", log], stdout=writing):
        os.close(writing)
        done = subprocess.run(
            [sys.executable, "-m", "doctor", "explain", f"/dev/fd/{reading}"], pass_fds=[reading], capture_output=True,
            text=True, timeout=60, env={"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    os.close(reading)
    assert done.returncode == 1 and "RUN631" in done.stdout, done.stderr
