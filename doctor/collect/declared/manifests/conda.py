"""environment.yml: conda's packages, and the pip section that is installed after them."""

from __future__ import annotations

import re

from doctor.base.late import late_pattern
from doctor.collect.declared.manifests.manifest import Manifest
from doctor.collect.declared.pins import Reading, requirement_pins

MOST = 2000
# conda's names of distributions that PyPI has under another one
NAMES = {"pytorch": "torch", "pytorch-gpu": "torch", "pytorch-cpu": "torch"}
# packages of conda that are no Python distributions, or say so only by their build
_BESIDE_TEXT = """
pip setuptools wheel cuda cudatoolkit cuda-toolkit cuda-nvcc cudnn nccl gcc gxx gcc_linux-64 gxx_linux-64 compilers git
make cmake ninja nodejs ffmpeg libstdcxx-ng libgcc-ng openssl ca-certificates mkl blas pytorch-mutex curl wget
"""
_BESIDE = frozenset(_BESIDE_TEXT.split())
_SPEC = late_pattern(r"(?:[\w./:-]+::)?([A-Za-z0-9_][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?\s*(.*)$")
_CUDA = late_pattern(r"(\d{2})\.(\d{1,2})")


def read_environment(manifest: Manifest, reading: Reading) -> None:
    """Adds conda's packages as one install and the pip section as the next one."""
    entries = manifest.data.get("dependencies")
    listed = entries[:MOST] if isinstance(entries, list) else []
    for entry in listed:
        if isinstance(entry, str):
            _package(entry, manifest, reading)
    for entry in listed:
        lines = entry.get("pip") if isinstance(entry, dict) else None
        if isinstance(lines, list):
            reading.step += 1
            for line in lines[:MOST]:
                if isinstance(line, str):
                    manifest.line(line, manifest.at(line), manifest.path, reading)


def _package(entry: str, manifest: Manifest, reading: Reading) -> None:
    found = _SPEC.match(" ".join(entry.split()))
    if found is None:
        return
    name, rest = found[1].lower(), found[3]
    if "version" in (found[2] or ""):
        rest = next(iter(re.findall(r"version\s*=\s*[\"']?([^\"'\]]+)", found[2])), "")
    if name == "python":
        version = re.match(r"[=~]*\s*(3\.\d{1,2}(?:\.\d{1,3})?)", rest)
        reading.python = reading.python or (version[1] if version and not rest.startswith((">", "<")) else None)
    elif name in ("pytorch-cuda", "cuda-version") and (cuda := _CUDA.search(rest)):
        reading.builds[reading.step] = f"cu{cuda[1]}{cuda[2]}"
    elif name not in _BESIDE:
        line = NAMES.get(name, name) + bounds(rest)
        reading.pins.extend(requirement_pins(line, manifest.at(entry), reading, False))


def bounds(text: str) -> str:
    """Conda's version as PEP 440 has it: `=1.2` is `==1.2.*`, a build behind a second `=` says nothing."""
    if "|" in text:
        return ""
    return ",".join(p for clause in text.split(",") if (p := _clause(clause.strip())))


def _clause(text: str) -> str:
    if re.match(r"(>=|<=|!=|>|<|~=)", text):
        return re.sub(r"\s+", "", text).rstrip("*").rstrip(".") if "*" in text and text[1:2] != "=" else text.split()[0]
    exact = text.startswith("==")
    words = re.split(r"[=\s]+", text.lstrip("= "), maxsplit=1)
    version = words[0]
    if not version or version == "*":
        return ""
    if exact or version.endswith("*") or len(words) > 1:
        return f"=={version if '.*' in version or '*' not in version else version.rstrip('*') + '.*'}"
    return f"=={version}" if version.count(".") > 1 else f"=={version}.*"  # a patch release has no others below it
