"""Terminals as they are: any encoding, a full disk, nobody who reads, no working directory, little memory."""

from __future__ import annotations

import codecs
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import distribution, doctor, lay_out

ENCODINGS = ("ascii", "gbk", "gb18030", "shift_jis", "euc-kr", "big5", "cp1252", "cp437", "latin-1", "koi8-r")
ROOT = str(Path(__file__).parents[2])


@pytest.fixture
def site(tmp_path: Path) -> str:
    files: dict[str, str | bytes] = {"lmdeploy/__init__.py": "import 模型_nowhere\n"}
    return str(lay_out(tmp_path / "site", distribution("lmdeploy", "0.11.1", files)))


def shell(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A shell line in which `$D` is doctor."""
    environ = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": ROOT,
        "D": f"{sys.executable} -m doctor",
    }
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=120, env=environ, cwd=home, check=False
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_every_encoding_takes_every_text(encoding: str, form: str, site: str, tmp_path: Path) -> None:
    words = ("check", "--path", site, "--python-version", "3.11", "--format", form)
    done = doctor(*words, "--output", str(tmp_path / "out"), home=tmp_path)
    assert done.returncode in (0, 1)
    line = f"PYTHONIOENCODING={encoding} $D {' '.join(words)} > told"
    assert shell(line, tmp_path).stderr == ""
    told = (tmp_path / "told").read_bytes().decode(encoding)
    if form == "json":
        assert json.loads(told)["findings"] == json.loads((tmp_path / "out").read_text("utf-8"))["findings"]
    elif form == "terminal":
        assert "✓" in told or "x" in told


def test_what_an_encoding_lacks_is_spelled_or_escaped(tmp_path: Path) -> None:
    code = "from doctor.base.terminals import prepare_streams; prepare_streams(); print('a → 你 😀 …')"
    done = shell(f'PYTHONIOENCODING=ascii {sys.executable} -c "{code}"', tmp_path)
    assert done.stdout == "a -> \\u4f60 \\ud83d\\ude00 ...\n"
    assert codecs.lookup("ascii").name == "ascii", "the codec of Python itself is as it was"


@pytest.mark.parametrize("command", ["rules", "rules --format json", "--help", "explain IMP001", "matrix list"])
@pytest.mark.parametrize(("end", "sentence"), [(">/dev/full", "No space left"), (">&-", "Bad file descriptor")])
def test_an_answer_that_cannot_be_written_is_status_3(command: str, end: str, sentence: str, tmp_path: Path) -> None:
    done = shell(f"$D {command} {end}", tmp_path)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and sentence in done.stderr


def test_a_reader_that_has_gone_is_no_finding(tmp_path: Path) -> None:
    done = shell("$D rules | head -c 1; exit ${PIPESTATUS[0]}", tmp_path)
    assert (done.returncode in (0, 3)) and done.stderr == ""
    done = shell("set -o pipefail; $D rules | true", tmp_path)
    assert done.returncode == 3 and done.stderr == ""


def test_a_closed_stdin_and_stderr_are_nobody_elses_file(site: str, tmp_path: Path) -> None:
    done = shell(f"$D check --path {site} --python-version 3.11 --format json <&- 2>&-", tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout)["summary"]["warning"]


def test_an_error_that_cannot_be_said_is_status_3(tmp_path: Path) -> None:
    assert shell("$D check --bogus 2>/dev/full", tmp_path).returncode == 3


def test_the_working_directory_is_gone(tmp_path: Path) -> None:
    done = shell("mkdir gone && cd gone && rmdir ../gone && $D check", tmp_path)
    assert done.returncode == 3 and "current directory no longer exists" in done.stderr and done.stderr.count("\n") == 1
    assert shell("mkdir gone && cd gone && rmdir ../gone && $D rules", tmp_path).returncode == 0


@pytest.mark.parametrize("megabytes", [70, 120, 200])
def test_little_memory_is_one_sentence(megabytes: int, site: str, tmp_path: Path) -> None:
    done = shell(f"ulimit -v {megabytes << 10}; $D check --path {site} --python-version 3.11", tmp_path)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or (done.returncode == 3 and "memory" in done.stderr), done.stderr


def test_a_fault_of_ours_is_one_sentence_and_the_traceback_is_to_be_had(tmp_path: Path) -> None:
    broken = "import doctor.cli.rules as r; from doctor.__main__ import main; r.rules.callback = None; import sys; "
    broken += "sys.argv = ['qvl-doctor', 'rules']; import doctor.cli.answer.output as o; o.console = 5; r.rules.callback = lambda form: o.console()"
    done = shell(f'{sys.executable} -c "{broken}; main()"', tmp_path)
    assert (
        done.returncode == 3
        and done.stderr.startswith("Error: internal error: TypeError")
        and done.stderr.count("\n") == 1
    )
    done = shell(f'QVL_DOCTOR_TRACEBACK=1 {sys.executable} -c "{broken}; main()"', tmp_path)
    assert "Traceback" in done.stderr
