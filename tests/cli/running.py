"""Runs the command as a user does, in a process of its own, with a cache and a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 300


def doctor(*words: str, home: Path, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """`qvl-doctor WORDS` with `home` as HOME and nothing of this process's environment that names a target."""
    left_out = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "COLUMNS", "PYTEST_CURRENT_TEST")
    environ = {k: v for k, v in os.environ.items() if k not in left_out}
    environ.update({"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **variables})
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", "doctor", *words], capture_output=True, text=True, timeout=SECONDS, env=environ,
        cwd=cwd or home, check=False,
    )  # fmt: skip


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON on stdout."""
    assert done.stdout, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def found(data: dict[str, Any], code: str) -> list[dict[str, Any]]:
    """The findings of a rule."""
    return [f for f in data["findings"] if f["code"] == code]


def lay_out(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Writes files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def distribution(name: str, version: str, files: dict[str, str | bytes], requires: tuple[str, ...] = ()) -> dict[str, str | bytes]:
    """The files of an installed distribution, with its METADATA and RECORD."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {r}" for r in requires)]
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/METADATA", f"{info}/RECORD"))
    return {**files, f"{info}/METADATA": "\n".join(lines) + "\n\n", f"{info}/RECORD": record, f"{info}/INSTALLER": "pip\n"}
