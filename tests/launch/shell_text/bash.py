"""A script under the real bash: every program on PATH is a fake that writes down its words."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

PROGRAMS = (
    "vllm", "lmdeploy", "sglang", "python", "python3", "docker", "podman", "nohup", "torchrun", "ray",
    "huggingface-cli", "hf", "pip", "uv", "nvidia-smi", "curl", "tmux", "gosu", "sudo", "srun",
    "mpirun", "wget", "supervisord", "nginx", "numactl", "trtllm-serve", "tritonserver",
)  # fmt: skip
_FAKE = """#!{python} -IS
import json, os, sys
with open({log!r}, "a") as out:
    out.write(json.dumps({{"words": [os.path.basename(sys.argv[0]), *sys.argv[1:]], "cwd": os.getcwd(),
                           "environ": {{k: v for k, v in os.environ.items() if k in {watched!r}}}}}) + "\\n")
"""
WATCHED = ("CUDA_VISIBLE_DEVICES", "VLLM_USE_V1", "HF_HOME", "MODEL", "PORT", "A", "B", "LD_LIBRARY_PATH", "NCCL_DEBUG")


def fakes(folder: Path) -> Path:
    """A folder with the fake programs; `sleep` does nothing."""
    where = folder / "programs"
    where.mkdir()
    log = str(folder / "log.jsonl")
    for name in PROGRAMS:
        file = where / name
        file.write_text(_FAKE.format(python=sys.executable, log=log, watched=WATCHED))
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    (where / "sleep").write_text("#!/bin/sh\nexit 0\n")
    (where / "sleep").chmod(0o755)
    return where


def recorded(
    folder: Path, programs: Path, text: str, arguments: tuple[str, ...] = (), environ: dict[str, str] | None = None
) -> list[dict[str, object]]:
    """What the script starts: words, folder and some variables of each fake that ran."""
    log = folder / "log.jsonl"
    log.unlink(missing_ok=True)
    work = folder / "work"
    (work / "start.sh").write_text(text)
    around = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder), **(environ or {})}
    child = subprocess.Popen(
        ["bash", "start.sh", *arguments], cwd=work, env=around, stdin=subprocess.DEVNULL, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        child.wait(timeout=20 if "while true" not in text and "while :" not in text else 1)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 9)
        child.wait()
    # programs in the background may still be writing
    subprocess.run(["sleep", "0.05" if "&\n" not in text and "& " not in text else "0.4"], check=False)
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
