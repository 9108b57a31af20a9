"""Environments of real servers, made once in the user's cache; tests that need them skip, saying why, without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("QVL_TEST_CACHE", "~/.cache/qvl-doctor-tests")).expanduser()
TIMEOUT = 500
TORCH = "torch==2.13.0"
# The index has torchvision only for CUDA. Beside a torch for the processor its compiled part is not loaded, so the
# operators that it registers (not used here) are declared, as its own import expects.
_OPERATORS = """
import sys
if "pip" not in " ".join(sys.argv):
    import torch
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def _pip(env: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(env / "bin/python"), "-m", "pip", "install", "-q", "--no-compile", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package index took over {TIMEOUT} s for {' '.join(words)}")
    if done.returncode:
        pytest.skip(f"{' '.join(words)} could not be fetched: {done.stderr.strip().splitlines()[-1:]}")
    return done


def made(name: str, *steps: Sequence[str], torch: bool = True) -> Path:
    """A virtual environment with what `pip install` brings in each step, and a torch for the processor if wanted."""
    env = CACHE / "{}-env-py{}.{}".format(name, *sys.version_info[:2])
    if (env / ".complete").exists():
        return env
    venv.create(env, with_pip=True, clear=True)
    if torch:
        _small_torch(env)
        _pip(env, TORCH)
    for step in steps:
        _pip(env, *step)
    (env / ".complete").touch()
    return env


def _small_torch(env: Path) -> None:
    """Skips where the index would give a torch for CUDA: gigabytes, and of no use to these tests."""
    done = _pip(env, "--dry-run", "--no-deps", "--report", "-", TORCH)
    (found,) = json.loads(done.stdout)["install"]
    if not found["metadata"]["version"].endswith("+cpu"):
        pytest.skip("the package index has torch only with CUDA, which is too large for this test")


def site(env: Path) -> Path:
    """Its site-packages."""
    return next(env.glob("lib/python*/site-packages"))


def transformers_env() -> Path:
    """`transformers serve` with pictures."""
    env = made(
        "transformers-serve-5.5.4", ["transformers[serving]==5.5.4", "torchvision==0.28.0", "pillow", "requests"]
    )
    (site(env) / "sitecustomize.py").write_text(_OPERATORS)
    return env


def lmdeploy_env() -> Path:
    """LMDeploy beside the packages of `transformers_env`; of its own requirements what its start imports."""
    base = transformers_env()
    env = made("lmdeploy-serve-0.14.0", ["--no-deps", "lmdeploy==0.14.0", *LMDEPLOY_NEEDS], torch=False)
    (site(env) / "base.pth").write_text(f"{site(base)}\n")
    return env


LMDEPLOY_NEEDS = (
    "fire==0.7.1", "termcolor", "mmengine-lite==0.10.7", "addict", "yapf", "platformdirs", "peft==0.14.0", "einops",
    "shortuuid", "pyzmq", "msgpack", "prometheus-client", "partial-json-parser", "openai-harmony", "sentencepiece",
    "tiktoken", "protobuf", "aiohttp", "aiosignal", "aiohappyeyeballs", "frozenlist", "multidict", "propcache", "yarl",
    "attrs", "pybase64", "xgrammar", "cloudpickle", "apache-tvm-ffi",
)  # fmt: skip
