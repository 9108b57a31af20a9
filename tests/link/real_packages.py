"""Real packages from the index, laid out once in the user's cache; tests that need them skip, saying why, without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("QVL_TEST_CACHE", "~/.cache/qvl-doctor-tests")).expanduser()
TIMEOUT = 400


def laid_out(name: str, pins: Sequence[str], python: str = "3.11", dependencies: bool = False) -> Path:
    """A folder with these packages as pip would install them for Linux on x86-64; nothing of them is run."""
    folder = CACHE / f"{name}-py{python}"
    if (folder / ".complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", str(folder), "--upgrade",
               "--python-version", python, "--only-binary", ":all:", "--platform", "manylinux2014_x86_64",
               "--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64",
               *([] if dependencies else ["--no-deps"]), *pins]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package index took over {TIMEOUT} s for {' '.join(pins)}")
    if done.returncode:
        pytest.skip(f"{' '.join(pins)} could not be fetched: {done.stderr.strip().splitlines()[-1:]}")
    (folder / ".complete").touch()
    return folder


def interpreter(python: str = "3.11") -> str:
    """A real interpreter of this version, to ask the real loader in; skips where there is none."""
    if "{}.{}".format(*sys.version_info[:2]) == python:
        return os.path.realpath(sys.executable)
    for place in (*os.environ.get("PATH", "").split(os.pathsep), *_pyenv()):
        found = Path(place) / f"python{python}"
        if found.is_file() and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return os.path.realpath(found)
    pytest.skip(f"no Python {python} on this machine")


def _pyenv() -> list[str]:
    return [str(p) for p in Path("~/.pyenv/versions").expanduser().glob("*/bin")]
