"""An installed engine of a release that the data does not cover is judged by its own files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from doctor.derived.case import Case
from doctor.facts import Distribution, Distributions, Facts, ReadRelease, Target
from doctor.launch.table import table
from doctor.matrix import rows
from tests.link.real_packages import laid_out

OWN = "0.11.1.dev7+gabcdef0"


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LMDeploy 0.11.1 as a build of one's own, whose metadata names no published release; its Python files alone."""
    real, folder = laid_out("lmdeploy-0.11.1", ["lmdeploy==0.11.1"]), tmp_path_factory.mktemp("site")
    for file in (real / "lmdeploy").rglob("*.py"):
        copy = folder / file.relative_to(real)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    info = folder / f"lmdeploy-{OWN}.dist-info"
    info.mkdir()
    metadata = (real / "lmdeploy-0.11.1.dist-info" / "METADATA").read_text(encoding="utf-8")
    (info / "METADATA").write_text(metadata.replace("Version: 0.11.1", f"Version: {OWN}"), encoding="utf-8")
    (info / "RECORD").write_text("".join(f"{f.relative_to(folder)},,\n" for f in folder.rglob("*.py")))
    return folder


def checked(site: Path, cache: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "doctor", "check", "--path", str(site), "--python-version", "3.11", "--offline"]
    launch = ["lmdeploy", "serve", "api_server", "OpenGVLab/InternVL2-8B", *words]
    done = subprocess.run(
        [*command, "--format", "json", "--select", "CMD", "--", *launch], capture_output=True, text=True, timeout=240,
        check=False, env={"HOME": str(cache), "XDG_CACHE_HOME": str(cache), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.registry
@pytest.mark.timeout(600)
def test_its_options_are_judged(fork: Path, tmp_path: Path) -> None:
    for _ in range(2):  # read, then out of the cache
        found = checked(fork, tmp_path, "--tpp", "2", "--backend", "turbomint", "--session-len", "abc")
        codes = {f["code"]: f["message"] for f in found["findings"] if f["severity"] == "error"}
        assert {"CMD001", "CMD002", "CMD004"} <= set(codes)
        assert f"`--tpp` is not an option of lmdeploy {OWN}: did you mean `--tp`" in codes["CMD001"]
        assert "choose from pytorch, turbomind" in codes["CMD002"]


@pytest.mark.registry
@pytest.mark.timeout(600)
@pytest.mark.parametrize("text", [b"def (\0", b"", b"\xff\xfe" * 90_000, b"x = " + b"(" * 9000])
def test_files_that_cannot_be_read_leave_it_open(fork: Path, tmp_path: Path, text: bytes) -> None:
    broken = fork / "lmdeploy" / "cli" / "serve.py"
    whole = broken.read_bytes()
    try:
        broken.write_bytes(text)
        results = {r["code"]: r for r in checked(fork, tmp_path, "--tpp", "2")["results"]}
    finally:
        broken.write_bytes(whole)
    assert results["CMD001"]["status"] == "open"
    assert "lmdeploy/cli/serve.py does not contain" in results["CMD001"]["reason"]


def facts(*releases: ReadRelease) -> Facts:
    one = Distribution("vllm", "vllm", "99.0", "/v", "/v/vllm-99.0.dist-info")
    return Facts(Target("installed", "a test"), Distributions((one,)), releases=releases)


def test_another_environments_release_of_the_same_number_is_not_taken() -> None:
    assert table("vllm", "99.0") is None
    for name in ("--one", "--two"):
        Case(facts(ReadRelease("vllm", "99.0", {"flags": {name: {"type": "int"}}})))
        found = table("vllm", "99.0")
        assert found is not None and found.option(name) is not None
        assert found.option("--two" if name == "--one" else "--one") is None


def test_what_the_data_covers_is_not_replaced() -> None:
    version = rows.releases("vllm").versions[-1]  # type: ignore[union-attr]
    Case(facts(ReadRelease("vllm", version, {"flags": {"--nonsense": {"type": "int"}}})))
    assert "--nonsense" not in (rows.row("vllm", version, "flags") or {})["flags"]
