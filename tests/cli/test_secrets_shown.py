"""Secrets of a log, an exception and a file, as a user's commands print them."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pytest

from doctor.explain import explain_log
from doctor.findings.json import finding_to_json
from doctor.launch.shell_text import Setting, ways
from doctor.repair.wheels.pins import PinsError, read_pins
from tests.base.test_secret_table import BARE, LABELS, X
from tests.cli.running import distribution, doctor, lay_out

TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n'


@pytest.mark.parametrize("line", [t for t in (*LABELS, *BARE) if "\n" not in t])
def test_an_error_is_explained_without_its_secret(line: str) -> None:
    for log in (f"{TRACE}ValueError: bad {line}\n", f"ERROR 01-01 00:00:00 [x.py:1] {line}\n"):
        found = explain_log(io.BytesIO(log.encode()), finite=True)
        assert X[:12] not in json.dumps([finding_to_json(f) for f in found])


def test_explain_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"{TRACE}ValueError: bad HF_TOKEN={X}\n")
    for form in ("terminal", "json", "markdown"):
        done = doctor("explain", "a.log", "--format", form, home=tmp_path)
        assert done.returncode == 1 and X not in done.stdout and "ValueError: bad HF" in done.stdout


def test_explain_of_ten_thousand_lines_is_quick() -> None:
    lines = "".join(f"INFO 01-01 00:00:00 [core.py:{n}] step {n} token: {n}\n" for n in range(10_000))
    began = time.thread_time()
    explain_log(io.BytesIO((lines + f"{TRACE}ValueError: bad HF_TOKEN={X}\n").encode()), finite=True)
    assert time.thread_time() - began < 3  # half a second where nobody else computes


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_explain_of_a_run_knows_what_the_run_knew(tmp_path: Path) -> None:
    code = "import os; raise ValueError('cannot use ' + os.environ['MY_SECRET'])"
    words = ("run", "--no-check", "--log-dir", "runs", "--", "python3", "-c", code)
    doctor(*words, home=tmp_path, MY_SECRET="plain-word-abc")
    done = doctor("explain", str(next((tmp_path / "runs").iterdir())), home=tmp_path)
    assert "ValueError: cannot use" in done.stdout and "plain-word-abc" not in done.stdout, done.stdout


def test_an_exception_of_the_target(tmp_path: Path) -> None:
    body = f"raise ImportError('bad HF_TOKEN={X}')\n"
    site = tmp_path / "v" / "lib" / "python3.11" / "site-packages"
    lay_out(site, distribution("vllm", "0.11.0", {"vllm/__init__.py": body}))
    lay_out(tmp_path / "v", {"pyvenv.cfg": "home = /usr/bin\nversion = 3.11.7\n", "bin/python": ""})
    for words in (("check", "--python", "v", "--offline", "--", "vllm", "serve", "Qwen/Qwen2-VL-2B-Instruct"),
                  ("link", "vllm", "--python", "v")):  # fmt: skip
        done = doctor(*words, home=tmp_path)
        assert X not in done.stdout and "bad HF_TOKEN=***" in done.stdout, done.stdout + done.stderr


FILES = {
    "/etc/shadow": "word\n", "/root/.ssh/id_ed25519": "word\n", "/run/secrets/hf": "word\n", "/w/hf_token": "word\n", "/w/a.pem": "word\n",
    "/w/notes": "root:$6$aaaa:19000:0:99999:7:::\ndaemon:*:1\n", "/w/word": f"{X}\n", "/w/prose": "what my friends tell me in private\n",
}  # fmt: skip


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    "text",
    [
        'vllm serve m --download-dir "$(cat {})"', "vllm serve $(<{})", "M=$(head -1 {}); vllm serve $M", "read M < {}; vllm serve $M",
        "cat {} | xargs vllm serve", "while read -r m; do vllm serve $m; done < {}", "mapfile -t L < {}; vllm serve ${{L[0]}}",
    ],
)  # fmt: skip
def test_a_file_of_a_script_is_no_answer(text: str, path: str) -> None:
    found = ways(text.format(path), Setting({"PATH": "/bin"}, "/w", read=FILES.get))
    shown = " ".join(w for way in found for s in way.starts for w in (*s.words, *s.unknown, *s.environ.values()))
    assert not [w for w in FILES[path].split() if w in shown.split()], shown


@pytest.mark.parametrize(
    "content", ["Qwen/Qwen2-VL-2B-Instruct\n", "--max-model-len 4096 --tp 2\n", '{"image": 2}\n', "MODEL=Q\nPORT=80\n"]
)
def test_what_a_command_is_made_of_is_read(content: str) -> None:
    found = ways("vllm serve $(cat f)", Setting({"PATH": "/bin"}, "/w", read={"/w/f": content}.get))
    assert found[0].starts[0].words[2:] == tuple(content.split())


@pytest.mark.parametrize(
    "content",
    ["root:$6$SECRETHASH:19000:::\n", "-r SECRETHASH\n", "a\x1b]0;pwn\a==1\n", "x\0SECRETHASH\n", "SECRETHASH>=1\n"],
)
def test_pins_never_show_what_the_file_holds(content: str, tmp_path: Path) -> None:
    (tmp_path / "p").write_text(content)
    with pytest.raises(PinsError) as error:
        read_pins(str(tmp_path / "p"))
    assert "SECRETHASH" not in str(error.value) and str(error.value).isprintable() and "line 1" in str(error.value)


@pytest.mark.skipif(os.name == "nt", reason="needs pipes with names")
def test_a_pipe_holds_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    with pytest.raises(PinsError, match="not a regular file"):
        read_pins(str(tmp_path / "f"))
    done = doctor("run", "--no-check", "--log-dir", "L", "--", "true", home=tmp_path, HF_TOKEN_PATH=str(tmp_path / "f"))
    assert done.returncode == 0
