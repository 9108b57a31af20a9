"""Which build of torch a declaration takes: the index or the option of the step that installs it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from doctor.facts import Distributions
from tests.declared.conftest import Write, facts_of

CU128 = "https://download.pytorch.org/whl/cu128"


def build_of(path: Path) -> str | None:
    distributions = facts_of(path).distributions
    assert isinstance(distributions, Distributions)
    torch = distributions.get("torch")
    return torch.build if torch else None


@pytest.mark.parametrize(
    ("lines", "build"),
    [
        (f"--extra-index-url {CU128}\ntorch==2.7.0\n", "2.7.0+cu128"),
        (f"--index-url={CU128}/\ntorch==2.7.0\n", "2.7.0+cu128"),
        ("--find-links https://download.pytorch.org/whl/torch_stable.html\ntorch==2.7.0\n", None),
        ("-f https://mirrors.example/pytorch-wheels/cu121\ntorch==2.5.1\n", "2.5.1+cu121"),
        ("-i https://download.pytorch.org/whl/rocm6.2.4\ntorch==2.6.0\n", "2.6.0+rocm6.2.4"),
        ("--extra-index-url https://wheels.example/simple\ntorch==2.7.0\n", None),
        (f"--extra-index-url {CU128}\ntorch==2.7.0+cu126\n", None),
    ],
)
def test_an_index_of_one_build(write: Write, lines: str, build: str | None) -> None:
    assert build_of(write(requirements__txt=lines)) == build


@pytest.mark.parametrize(
    ("steps", "build"),
    [
        ([f"pip install torch==2.7.0 --index-url {CU128}"], "2.7.0+cu128"),
        (["uv pip install --torch-backend=cu126 torch==2.7.0"], "2.7.0+cu126"),
        (["uv pip install --torch-backend cpu torch==2.7.0"], "2.7.0+cpu"),
        ([f"pip install torch==2.7.0 --index-url {CU128}", "pip install vllm==0.8.5"], None),
        ([f"pip install numpy --index-url {CU128}", "pip install torch==2.7.0"], None),
    ],
)
def test_the_step_that_installs_torch_decides(write: Write, steps: list[str], build: str | None) -> None:
    text = "FROM python:3.11\n" + "".join(f"RUN {step}\n" for step in steps)
    assert build_of(write(Dockerfile=text)) == build
