"""What was read from the wheels against what the real packages say of themselves when they run, in a child process.

The packages come from the package index by pip, once, into `QVL_TEST_CACHE` (default `~/.cache/qvl-doctor-tests`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from doctor.matrix import rows
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.names_file import NamesIndex

pytestmark = [pytest.mark.registry, pytest.mark.timeout(900)]
CACHE = Path(os.environ.get("QVL_TEST_CACHE") or Path.home() / ".cache" / "qvl-doctor-tests")
CHILD = Path(__file__).with_name("child.py")


@cache
def asked(project: str, version: str) -> Any:
    """The answer of the real package `project` at `version`; skips the test where it cannot be fetched."""
    folder = CACHE / f"{project}-{version}"
    if not (folder / ".complete").is_file():
        depends = [] if project == "transformers" else ["--no-deps"]
        pip = [sys.executable, "-m", "pip", "install", "-q", "--only-binary", ":all:", "--target", str(folder)]
        done = subprocess.run([*pip, *depends, f"{project}=={version}"], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{project}=={version} cannot be fetched: {done.stderr[-200:]}")
        (folder / ".complete").touch()
    child = [sys.executable, "-I", "-S", str(CHILD), str(folder), project]
    done = subprocess.run(child, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


TRANSFORMERS = ["4.37.2", "4.46.1", "4.52.4", "4.57.3", "5.23.0"]
# Helpers that a dummy module has beside its classes; nobody imports them from the top level.
HELPERS = {"DummyObject", "requires_backends", "TorchvisionBackend"}


@pytest.mark.parametrize("version", TRANSFORMERS)
def test_transformers_top_level_names(version: str) -> None:
    real = set(asked("transformers", version)["names"])
    provided = NamesIndex.read(data_dir() / "wheels" / "transformers.names.gz").provided(version)
    assert provided is not None
    read = provided["transformers"]
    assert real - read <= HELPERS
    # Since 5.0 `FooTokenizerFast` and `FooImageProcessorFast` are found by the module's own fallback code.
    more = {n for n in read - real if not (version[0] == "5" and n.endswith(("TokenizerFast", "ImageProcessorFast")))}
    # The child has no torch: a name that needs it and has no stand-in among the dummies is missing there alone.
    assert len(more) < 50
    assert not more & provided["transformers.utils.dummy_pt_objects"]


@pytest.mark.parametrize("version", TRANSFORMERS)
def test_transformers_model_types(version: str) -> None:
    row = rows.row("transformers", version)
    assert row is not None
    assert sorted(row["model_types"]) == asked("transformers", version)["model_types"]


@pytest.mark.parametrize("version", TRANSFORMERS)
def test_transformers_gates(version: str) -> None:
    row = rows.row("transformers", version)
    assert row is not None
    eager = {name: found["requirement"] for name, found in row["checks"].items() if found.get("eager")}
    assert eager == asked("transformers", version)["checks"]


@pytest.mark.parametrize(
    ("project", "version"),
    [
        ("lmdeploy", "0.4.2"),
        ("lmdeploy", "0.6.5"),
        ("lmdeploy", "0.11.1"),
        ("lmdeploy", "0.18.0"),
        ("sglang", "0.3.6"),
        ("sglang", "0.4.5"),
        ("sglang", "0.4.9"),
    ],
)
def test_flags(project: str, version: str) -> None:
    """Every flag, its other spellings, its choices, and its default wherever the text tells it."""
    real, row = asked(project, version), rows.row(project, version)
    assert row is not None
    read = row["flags"]
    assert sorted(read) == sorted(real)
    for name, flag in read.items():
        assert flag.get("aliases", []) == real[name]["aliases"], name
        if "choices" in flag:
            assert sorted(map(str, flag["choices"])) == sorted(map(str, real[name]["choices"])), name
        if "default" in flag and real[name]["default"] != "?":
            assert flag["default"] == real[name]["default"], name


def test_a_small_release_read_by_ranges_is_as_it_is_written() -> None:
    """Over the real index: one page, one wheel of some kilobytes."""
    from click.testing import CliRunner

    from doctor.cli import main

    done = CliRunner().invoke(main, ["matrix", "verify", "qwen-vl-utils==0.0.14"])
    if done.exit_code == 3:
        pytest.skip(f"the index cannot be reached: {done.output[-200:]}")
    assert (done.exit_code, done.stdout) == (0, "qwen-vl-utils 0.0.14: 0 differences\n")
