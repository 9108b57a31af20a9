"""`fleet check` as a user runs it: nodes that are shells on this machine, nodes that lie, and a coordinator that dies."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import answer, distribution, doctor, lay_out
from tests.fleet.nodes import saved, write

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
LAUNCH = ("vllm", "serve", "m", "--nnodes", "2", "--master-addr", "10.9.9.9")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home, so that the single file is built once; `site` is an empty environment."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "site").mkdir()
    return folder


def shell(folder: Path, lies: dict[str, str] | None = None) -> str:
    """`--through`: a node is a shell here, or what `lies` says that it prints."""
    place = folder / f"through{time.monotonic_ns()}"
    cases = "".join(f"{name}) {text};;\n" for name, text in (lies or {}).items())
    place.write_text(f'#!/bin/sh\nname=$1; shift\ncase $name in\n{cases}*) exec env QVL_NODE=$name "$@";;\nesac\n')
    place.chmod(0o755)
    return str(place)


def check(home: Path, hosts: str, through: str, *more: str) -> tuple[int, dict[str, Any]]:
    done = doctor("fleet", "check", "--hosts", hosts, "--through", through, "--path", str(home / "site"),
                  "--python-version", "3.11", "--format", "json", *more, "--", *LAUNCH, home=home)  # fmt: skip
    return done.returncode, answer(done)


def test_nodes_without_doctor_are_asked_and_leave_nothing(home: Path) -> None:
    before = set(Path("/tmp").glob("qvl-doctor-*"))
    status, told = check(home, "a,b", shell(home))
    assert [n["status"] for n in told["nodes"]] == ["answered", "answered"]
    assert len(told["kinds"]) == 1 and told["kinds"][0]["nodes"] == ["a", "b"]
    assert told["nodes"][0]["host"] == socket.gethostname()
    assert "--node-rank 0" in told["nodes"][0]["launch"] and "--node-rank 1" in told["nodes"][1]["launch"]
    assert {r["code"]: r["status"] for r in told["results"]}["NET021"] in ("pass", "fail")
    assert status == 1  # no vllm in the empty environment
    assert set(Path("/tmp").glob("qvl-doctor-*")) == before


LIES = {
    "dead": "echo 'ssh: connect to host dead port 22: Connection timed out' >&2; exit 255",
    "garbage": "head -c 3000000 /dev/urandom",
    "endless": "yes '\\036qvl1' | tr -d '\\n'",
    "array": "printf '\\036qvl1 [1]\\n'; sleep 30",
    "schema": """printf '\\036qvl1 {"hello":"9"}\\n\\036qvl1 {"digest":{"sections":{"packages":7}}}\\n'; sleep 30""",
    "empty": """printf '\\036qvl1 {"hello":"9"}\\n\\036qvl1 {"digest":{}}\\n'; sleep 30""",
    "hostile": """printf '\\036qvl1 {"problem":"\\\\u001b[2J\\\\u202e<script>alert(1)</script>"}\\n'; sleep 30""",
    "deep": """printf '\\036qvl1 '; head -c 200000 /dev/zero | tr '\\0' '['; echo; sleep 30""",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_node_that_lies_spoils_only_its_own_row(home: Path, lie: str) -> None:
    _, told = check(home, f"a,{lie},b", shell(home, LIES), "--timeout", "20")
    rows = {n["name"]: n for n in told["nodes"]}
    assert rows["a"]["status"] == rows["b"]["status"] == "answered"
    assert rows[lie]["status"] == "open" and rows[lie]["reason"]
    assert "\x1b" not in json.dumps(told, ensure_ascii=False) and "\u202e" not in json.dumps(told, ensure_ascii=False)


@pytest.mark.parametrize("lead", [(), ("env", "NCCL_DEBUG=INFO")])
def test_each_node_is_given_its_own_rank(home: Path, lead: tuple[str, ...]) -> None:
    site = lay_out(home / "vllm", distribution("vllm", "0.12.0", {}))
    through = home / "differs"
    seen = home / "seen"
    through.write_text(f'#!/bin/sh\nn=$1; shift\necho "$*" > {seen}.$n\nexec "$@"\n')
    through.chmod(0o755)
    done = doctor("fleet", "check", "--hosts", "1,2", "--through", str(through), "--path", str(site), "--python-version", "3.11",
                  "--format", "json", "--", *lead, *LAUNCH, home=home)  # fmt: skip
    assert [n["status"] for n in answer(done)["nodes"]] == ["answered", "answered"]
    for node, rank in (("1", "0"), ("2", "1")):
        words = Path(f"{seen}.{node}").read_text().split("--", 1)[1]
        assert f"--node-rank {rank}" in words, words


def test_facts_that_are_not_those_of_the_digest_or_too_large_are_refused(home: Path) -> None:
    """A node that gives a good digest, and then a gigabyte of zeros, compressed, as its facts."""
    import base64
    import zlib

    from doctor.derived.digest import digest_of
    from doctor.facts.codec import facts_from_json
    from doctor.fleet.digest_line import to_line

    good = to_line(digest_of(facts_from_json(saved(0))))
    bomb = zlib.compressobj(9)
    text = base64.b64encode(b"".join(bomb.compress(bytes(1 << 20)) for _ in range(1024)) + bomb.flush()).decode()
    other = base64.b64encode(zlib.compress(json.dumps(saved(0, driver="1.0")).encode())).decode()
    lies = {}
    for name, facts in (("bomb", text), ("other", other)):
        lines = [{"hello": "1"}, {"digest": good}, {"facts": facts}]
        place = home / f"{name}.out"
        place.write_text("".join(f"\x1eqvl1 {json.dumps(line)}\n" for line in lines))
        lies[name] = f"cat {place}; sleep 30"
    for name in lies:
        _, told = check(home, f"a,{name}", shell(home, lies), "--timeout", "20")
        rows = {n["name"]: n for n in told["nodes"]}
        assert rows["a"]["status"] == "answered"
        assert rows[name]["status"] == "open", rows[name]


def left(mark: str) -> list[str]:
    """Processes that were started for a node of this test."""
    out = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (place / "environ").read_bytes():
                out.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")[:100])
        except OSError:
            continue
    return out


@pytest.mark.parametrize("moment", [0.15, 0.4, 0.7, 1.0, 1.4])
def test_kill_9_of_the_coordinator_leaves_nothing_on_the_nodes(home: Path, moment: float) -> None:
    mark = f"kill{os.getpid()}x{int(moment * 100)}"
    environ = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen(
        [sys.executable, "-m", "doctor", "fleet", "check", "--hosts", f"{mark}a,{mark}b", "--through", shell(home), "--path",
         str(home / "site"), "--python-version", "3.11", "--", *LAUNCH], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(moment)
    child.send_signal(signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + 5
    while (found := left(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not found


def test_saved_facts_are_compared_and_the_odd_node_is_named_first(tmp_path: Path) -> None:
    files = write(tmp_path, saved(0), saved(1, driver="550.54", shard=999), saved(2))
    done = doctor("fleet", "check", *files, home=tmp_path)
    assert done.returncode == 1
    assert "n1.json" in done.stdout and "550.54" in done.stdout and "a.safetensors" in done.stdout
    told = answer(doctor("fleet", "check", *files, "--format", "json", home=tmp_path))
    assert told["nodes"][1]["differs"] == ["model", "driver"]
    assert {f["code"] for f in told["findings"]} >= {"NET024", "NET025"}


def test_a_launch_for_saved_facts_is_read_with_each_rank(tmp_path: Path) -> None:
    files = write(tmp_path, saved(0), saved(1))
    words = ("--", "vllm", "serve", "/models/m", "--nnodes", "2", "--master-addr", "10.0.0.1", "--tensor-parallel-size", "32")
    told = answer(doctor("fleet", "check", *files, "--format", "json", *words, home=tmp_path))
    assert [shlex.split(n["launch"])[shlex.split(n["launch"]).index("--node-rank") + 1] for n in told["nodes"]] == ["0", "1"]
    assert any(f["code"] == "NET026" and "32 GPUs" in f["message"] for f in told["findings"])


def test_a_damaged_file_is_open_and_the_others_are_checked(tmp_path: Path) -> None:
    files = write(tmp_path, saved(0), saved(1))
    Path(files[1]).write_text('{"schema": 99}')
    told = answer(doctor("fleet", "check", *files, "--format", "json", home=tmp_path))
    assert [n["status"] for n in told["nodes"]] == ["answered", "open"]
    assert "99" in told["nodes"][1]["reason"]


def test_a_file_of_a_gigabyte_is_open_and_the_others_are_checked(tmp_path: Path) -> None:
    files = write(tmp_path, saved(0), saved(1))
    with Path(files[1]).open("r+b") as file:
        file.truncate(1 << 30)
    told = answer(doctor("fleet", "check", *files, "--format", "json", home=tmp_path))
    assert [n["status"] for n in told["nodes"]] == ["answered", "open"]
    assert "1073741824 bytes" in told["nodes"][1]["reason"]


@pytest.mark.parametrize("form", ["markdown", "html", "brief"])
def test_documents_carry_no_markup_of_a_node(tmp_path: Path, form: str) -> None:
    files = write(tmp_path, saved(0), saved(1, versions={"torch": "<img src=x>|`"}))
    done = doctor("fleet", "check", *files, "--format", form, home=tmp_path)
    assert done.returncode == 0  # another torch is a warning
    assert "<img" not in done.stdout.replace("\\<img", "")
    if form == "html":
        assert 'class="map"' in done.stdout and done.stdout.count('<td class="odd"') >= 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--hosts", "a,a"), "named twice"),
        (("--hosts", "-oProxyCommand=x"), "not the name of a node"),
        (("--hosts", "a;rm"), "not the name of a node"),
        (("--hosts", "a:99999"), "not a port"),
        (("--nodes", "/nonexistent"), "--nodes"),
        ((), "name the nodes once"),
        (("--hosts", "a", "--slurm", "1"), "name the nodes once"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = doctor("fleet", "check", *words, "--", *LAUNCH, home=tmp_path)
    assert done.returncode in (2, 3) and said in done.stderr and "Traceback" not in done.stderr
