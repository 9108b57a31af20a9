"""The projects whose refusals are read, and which of their releases when not all are."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.version import Version

from doctor.facts import normalize
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.extract.projects.registry import project as covered

NEWEST = 5
ENGINES = ("vllm", "sglang", "lmdeploy", "transformers")
_LIBRARIES = ("compressed-tensors", "auto-gptq", "optimum", "huggingface-hub", "tokenizers", "accelerate")
_MORE = (
    Project("xgrammar", "0.1.0", ("xgrammar",), names=False),
    Project("flashinfer-python", "0.2.0", ("flashinfer",), names=False),
    Project("gptqmodel", "1.0.0", ("gptqmodel",), names=False),
)
NAMES = (*ENGINES, *_LIBRARIES, *(p.name for p in _MORE))


def project(name: str) -> Project | None:
    """The project of this name in any spelling, or None where its refusals are not read."""
    name = normalize(name)
    if name not in NAMES:
        return None
    return next((p for p in _MORE if p.name == name), None) or covered(name)


def last_of_minors(versions: Sequence[str]) -> list[str]:
    """Of all releases the newest ones and the last of every minor series, the newest first."""
    final = sorted((v for v in versions if not Version(v).is_prerelease), key=Version, reverse=True)
    last = {Version(v).release[:2]: v for v in reversed(final)}
    chosen = {*final[:NEWEST], *last.values()}
    return [v for v in final if v in chosen]
