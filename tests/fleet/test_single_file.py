"""Doctor as one file: the same bytes twice, small, quick, and running where nothing else is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from doctor.fleet.single_file import COLD_ON_NODES, build, main

MOST_BYTES, MOST_SECONDS = 10_000_000, 0.5


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("single") / "qvl-doctor.pyz"
    assert main([str(place)]) == 0
    return place


def pythons() -> list[str]:
    """Every interpreter here that is new enough, by its version; one of each."""
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    for folder in (*Path.home().glob(".pyenv/versions/*/bin"), *map(Path, os.get_exec_path())):
        for minor in range(10, 16):
            place = folder / f"python3.{minor}"
            if place.is_file() and "shims" not in str(place):
                found.setdefault(f"3.{minor}", str(place))
    return sorted(found.values())


def run(python: str, file: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """With nothing of this process's environment but PATH: no packages, no home."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    return subprocess.run(
        [python, "-I", "-S", str(file), *words], capture_output=True, text=True, cwd=cwd, env=environ, timeout=120
    )


def test_two_builds_are_the_same_bytes_and_small(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pyz"
    main([str(again)])
    assert again.read_bytes() == file.read_bytes()
    assert file.stat().st_size < MOST_BYTES
    names = zipfile.ZipFile(file).namelist()
    assert not [n for n in names if n.startswith(("uv", "requests", "huggingface_hub", "tests"))]


@pytest.mark.parametrize("python", pythons())
def test_check_facts_and_matrix_list_run_from_it(python: str, file: Path, tmp_path: Path) -> None:
    """Also by a Python for which it has no byte code."""
    (tmp_path / "site").mkdir()
    target = ("--path", str(tmp_path / "site"), "--python-version", "3.11", "--offline")
    launch = ("--", "vllm", "serve", "Qwen/Qwen2-VL-7B-Instruct")
    told = json.loads(run(python, file, "check", *target, "--format", "json", *launch, cwd=tmp_path).stdout)
    assert {f["code"] for f in told["findings"] if f["severity"] == "error"} == {"PKG010"}
    assert told["launch"]["engine"] == "vllm"
    facts = json.loads(run(python, file, "facts", *target, *launch, cwd=tmp_path).stdout)
    assert facts["launch"]["engine"] == "vllm" and facts["target"]["kind"] == "paths"
    listed = run(python, file, "matrix", "list", cwd=tmp_path)
    assert listed.returncode == 0 and "vllm" in listed.stdout and "lmdeploy" in listed.stdout
    page = run(python, file, "check", *target, "--format", "html", *launch, cwd=tmp_path)
    assert "<style>" in page.stdout and "PKG010" in page.stdout


def test_it_says_the_same_as_the_package(file: Path, tmp_path: Path) -> None:
    one = run(sys.executable, file, "matrix", "show", "vllm==0.12.0", "--format", "json", cwd=tmp_path)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    other = subprocess.run(
        [sys.executable, "-m", "doctor", "matrix", "show", "vllm==0.12.0", "--format", "json"], capture_output=True, text=True,
        cwd=tmp_path, env=environ,
    )  # fmt: skip
    assert one.stdout == other.stdout and '"flags"' in one.stdout


def test_an_old_python_is_told_so_in_one_sentence(file: Path, tmp_path: Path) -> None:
    olds = [p for p in Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python3") if p.is_file()]
    old = str(olds[0]) if olds else shutil.which("python3.9") or shutil.which("python3.8")
    if old is None:
        pytest.skip("no Python before 3.10 here")
    done = run(old, file, "--version", cwd=tmp_path)
    assert done.returncode and "needs Python 3.10" in done.stderr and "Traceback" not in done.stderr


def test_what_a_node_loads_has_byte_code_in_the_file_that_is_sent(tmp_path: Path) -> None:
    """Else it is compiled on each node at each question; and what the file has no byte code for is there as a source."""
    file = tmp_path / "sent.pyz"
    file.write_bytes(build(COLD_ON_NODES))
    (tmp_path / "site").mkdir()
    names = set(zipfile.ZipFile(file).namelist())
    question = '{"ask":"facts"}'
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-v", str(file), "fleet", "node", "--once", question, "--path", str(tmp_path / "site"),
         "--python-version", "3.11", "--", "vllm", "serve", "m", "--nnodes", "2", "--master-addr", "10.0.0.1"],
        capture_output=True, text=True, cwd=tmp_path, timeout=120,
    )  # fmt: skip
    assert '"facts"' in done.stdout
    loaded = set(re.findall(r"^import '([\w.]+)' # <zipimporter object \"" + re.escape(str(file)), done.stderr, re.MULTILINE))
    assert len(loaded) > 100, done.stderr[-2000:]
    bare = {n for n in loaded if not {f"{n.replace('.', '/')}.pyc", f"{n.replace('.', '/')}/__init__.pyc"} & names}
    assert not bare
    assert {name.removesuffix("c") for name in names if name.endswith(".pyc")} <= names, "each has its source, for other Pythons"
