"""Deployment files as people write them, judged as the command line judges them."""

from __future__ import annotations

from pathlib import Path

from doctor.collect.declared.request import DeclaredRequest
from doctor.collect.python.target import TargetRequest
from doctor.findings import Report
from doctor.pipeline import Request, diagnose

FILES = Path(__file__).parent / "files"
GPU, DRIVER = "A100:80GB:8.0x8", "595.80"


def judged(*files: Path, service: str | None = None, requirements: tuple[str, ...] = (), **more: str | None) -> Report:
    """The answer of `check --deployment FILE`, on a machine with eight GPUs, without any variable of this one."""
    declared = DeclaredRequest(requirements, service=service, deployments=tuple(map(str, files)))
    target = TargetRequest(environ={}, python_version="3.11", root=more.pop("root", None))
    return diagnose(Request(target, (), gpu=more.pop("gpu", GPU), driver=DRIVER, declared=declared, environ={}, **more))


def written(folder: Path, text: str, name: str = "deploy.yaml") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
