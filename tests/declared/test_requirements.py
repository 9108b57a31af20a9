"""Requirement files as people write them, and as nobody should."""

from __future__ import annotations

import codecs
import os
import time
from pathlib import Path

import pytest

from doctor.collect.python.target import TargetError
from tests.declared.conftest import Write, facts_of, judge, problems, versions

SERVER = """\
# serving image of the picture team
--index-url https://robot:hunter2secret@packages.example/simple
--extra-index-url=https://wheels.example/cu124
-c limits.txt

lmdeploy[serve]==0.11.1   # pinned since the last outage
transformers == 4.46.1 \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000 \\
    --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
torch>=2.4,<2.7
Pillow==11.*
tokenizers==0.20.3 ; python_version < "3.14"
pywin32==308 ; sys_platform == "win32"
accelerate
qwen_vl_utils @ https://wheels.example/qwen_vl_utils-0.0.10-py3-none-any.whl
./wheels/flash_attn-2.7.4.post1+cu12-cp310-cp310-linux_x86_64.whl
git+https://git.example/timm.git@v1.0.3#egg=timm
-e .
-r more/extra.txt
"""


def test_a_file_as_people_write_it(write: Write) -> None:
    path = write(server__txt=SERVER, limits__txt="accelerate==1.2.1\nnumpy==1.26.4\npeft==0.13.2\n",
                 more_in_extra__txt="-r ../server.txt\neinops==0.8.0\n")  # fmt: skip
    facts = facts_of(path, python="3.10")
    found = versions(facts)
    expected = {
        "lmdeploy": "0.11.1", "transformers": "4.46.1", "tokenizers": "0.20.3", "accelerate": "1.2.1",
        "qwen-vl-utils": "0.0.10", "flash-attn": "2.7.4.post1+cu12", "einops": "0.8.0",
    }  # fmt: skip
    assert {k: found.get(k) for k in expected} == expected
    assert found["numpy"] == "1.26.4", "lmdeploy requires it, so the constraint fixes it"
    assert found["peft"] == "0.13.2"
    assert not {"torch", "pillow", "pywin32", "timm"} & set(found), "ranges, other platforms and branches are open"
    assert facts.target.kind == "declared" and facts.target.why == f"--requirements {path}"
    assert len(problems(facts)) == 1 and "`.`" in problems(facts)[0]
    assert "hunter2" not in repr(facts)


def test_constraints_alone_install_nothing(write: Write) -> None:
    path = write(app__txt="-c limits.txt\nrich\n", limits__txt="vllm==0.11.0\n")
    assert versions(facts_of(path)) == {}


def test_exact_requirements_of_a_pinned_release_are_known_too(write: Write) -> None:
    found = versions(facts_of(write(a__txt="vllm==0.11.0\n")))
    assert found["torch"] == "2.8.0" and found["torchvision"] == "0.23.0"
    assert "transformers" not in found, "vllm bounds it from below only"


def test_extras_count_with_what_they_name_in_turn(write: Write) -> None:
    assert "transformers" not in versions(facts_of(write(a__txt="sglang==0.4.5\n")))
    assert versions(facts_of(write(a__txt="sglang[all]==0.4.5\n")))["transformers"] == "4.51.0"


def test_variables_are_those_of_the_caller(write: Write) -> None:
    path = write(a__txt="transformers==${TF_VERSION}\npeft==${NOT_SET}\n")
    facts = facts_of(path, environ={"TF_VERSION": "4.50.3"})
    assert versions(facts) == {"transformers": "4.50.3"}
    assert "is not a requirement" in problems(facts)[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_windows_editors(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "r.txt"
    path.write_bytes("transformers==4.46.1\r\ntorch==2.5.1\r\n".encode(encoding))
    assert versions(facts_of(path))["torch"] == "2.5.1"
    assert codecs.BOM_UTF8 in path.read_bytes() or codecs.BOM_UTF16 in path.read_bytes()


def test_a_later_file_replaces_what_an_earlier_one_brought(write: Write, tmp_path: Path) -> None:
    first = write(a__txt="transformers==4.46.1\ntorch==2.5.1\n")
    second = write(b__txt="transformers>=4.50\n")
    assert versions(facts_of(first, second)).keys() & {"transformers", "torch"} == {"torch"}


@pytest.mark.parametrize(
    "text",
    [
        "-r self.txt\n",
        "==1.0\nname with spaces\n@@@\n[x]\n" * 50,
        "a" * 200_000 + "==1.0\n",
        "lmdeploy==" + "9" * 100_000 + "\n",
        "x; " + "(" * 5000 + "\n",
        "-r /dev/zero\n-r /proc/self/environ/x\n-c ..\n",
        "-r https://files.example/r.txt\n",
        "\x1b[2J\x1b]0;owned\x07transformers==4.46.1\n",
        "\\\n" * 5000,
        "a" + " " * 400_000 + "b\n" + "\t#" * 100_000,
        "".join(f"package-{n}==1.{n}\n" for n in range(15_000)),
        "".join(f"transformers>=4.{n}\n" for n in range(4_000)),
        "file:///etc/passwd\n../../etc/shadow.whl\nhttp://[::bad/x.whl\n",
        "--hash=sha256:" + "0" * 100_000,
        "name @ https://user:token@host.example/x.tar.gz\n",
    ],
    ids=range(15),
)
def test_hostile_files_end_soon_and_say_something_or_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "self.txt"
    path.write_text(text, encoding="utf-8")
    began = time.monotonic()
    facts = facts_of(path)
    assert not [r for r in judge(facts).results if r.status == "broken"]
    assert time.monotonic() - began < 10
    assert all("\x1b" not in p and "token@" not in p and len(p) < 400 for p in problems(facts))
    assert "token@" not in repr(facts)


def test_files_that_include_each_other_without_end(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n-r {number + 2}.txt\nx{number}==1\n")
    facts = facts_of(tmp_path / "0.txt")
    assert any("nested too deep" in p for p in problems(facts))


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "huge", "binary"])
def test_what_is_no_requirement_file_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "r.txt"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no named pipes")
        os.mkfifo(path)
    elif kind == "huge":
        path.write_bytes(b"a==1\n" * 400_000)
    elif kind == "binary":
        path.write_bytes(b"\x7fELF\0\0\0\0")
    with pytest.raises(TargetError, match="given as `--requirements`") as error:
        facts_of(path)
    assert "\n" not in str(error.value)
