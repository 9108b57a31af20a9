"""What the real dynamic loader says: each library is opened by `ctypes.CDLL` in a forked child of one interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CHILD = """
import ctypes, json, os, signal, sys
spec = json.load(sys.stdin)
sys.path[:0] = spec["path"]
if spec["torch"]:
    import torch
said = {}
for number, (before, file) in enumerate(spec["loads"]):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        for path, everywhere in before:
            try:
                ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL if everywhere else ctypes.DEFAULT_MODE)
            except OSError:
                pass
        try:
            ctypes.CDLL(file)
            text = "ok"
        except OSError as error:
            text = str(error)
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    said[number] = text or "died"
json.dump(said, sys.stdout)
"""


def real_verdicts(
    loads: Sequence[tuple[Sequence[tuple[str, bool]], str]],
    *,
    python: str = sys.executable,
    path: Sequence[str] = (),
    torch: bool = False,
    environment: dict[str, str] | None = None,
) -> list[str]:
    """For each (libraries opened before with RTLD_GLOBAL or not, file): `ok`, the loader's message, or `died`."""
    spec = {"loads": [([list(b) for b in before], file) for before, file in loads], "path": list(path), "torch": torch}
    done = subprocess.run(
        [python, "-B", "-c", CHILD], input=json.dumps(spec), capture_output=True, text=True, check=True,
        env={**os.environ, **(environment or {})}, timeout=500,
    )  # fmt: skip
    said = json.loads(done.stdout)
    return [said[str(n)] for n in range(len(loads))]


def libraries_below(folder: Path) -> list[str]:
    """Every shared library below a folder, sorted."""
    return sorted(str(f) for f in folder.rglob("*.so*") if f.is_file() and not f.name.endswith((".py", ".json")))
