"""Real packages from the index, laid out once in the user's cache; tests that need them skip, saying why, without."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def answer_of(command: Sequence[str | Path], given: str, pins: Sequence[str], **how: Any) -> subprocess.CompletedProcess[str]:
    """What a program says to `given` in packages pinned by `pins`. Asked once: the releases are fixed, and so is the answer.

    It is kept in the user's cache under all that decides it, PATH apart; what fails is asked again. `how` is as for
    `subprocess.run`. Only for programs that read no file which a test writes.
    """
    decides = [[str(c) for c in command], given, list(pins), sys.version, platform.platform()]
    variables = {k: v for k, v in (how.get("env") or {}).items() if k != "PATH"}
    key = hashlib.sha256(json.dumps([*decides, variables, str(how.get("cwd"))], sort_keys=True).encode()).hexdigest()
    kept = CACHE / "answers" / f"{key}.txt"
    if kept.is_file():
        return subprocess.CompletedProcess([*command], 0, kept.read_text(encoding="utf-8"), "")
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, **how)
    if done.returncode == 0:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(done.stdout, encoding="utf-8")
        fresh.replace(kept)
    return done


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
