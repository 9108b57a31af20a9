"""Compilers, CUDA's toolkit and the processor, for bug forms: read from files, none of them started."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from doctor.base.files import Files, Unreadable
from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.collect.machine.host import which
from doctor.collect.native.loader_cache import load_cache
from doctor.collect.python.reporter import assigned, listed
from doctor.facts import Target
from doctor.facts.toolchain import Toolchain

LARGEST = 64 << 20  # bytes of a compiler's program
X86_64, AARCH64 = 0x3E, 0xB7
_PACKAGED = late_pattern(rb"\0(\([^\0()]{3,80}\)) \0")
_GCC = late_pattern(rb"\0(\d{1,2}\.\d{1,2}\.\d{1,2}(?: \d{8})?[^\0]{0,20})\0")
_NVCC = late_pattern(rb"release \d{1,2}\.\d{1,2}, V(\d{1,2}\.\d{1,2}\.\d{1,4})")
_HANDED_ON = late_pattern(rb"\A#![^\n]{1,80}\n(?:[^\n]{0,200}\n){0,5}?\s*exec\s+\"?(/[^\s\"$]{1,200})")


def collect_toolchain(target: Target, environ: Mapping[str, str]) -> Toolchain:
    """What is there. Of another root the usual places are looked at."""
    tree = Files(target.root)
    vendor = re.search(r"^vendor_id\s*:\s*(\S{1,40})", tree.first_text("/proc/cpuinfo", 1 << 16) or "", re.M)
    torch = assigned(target, "torch/version.py")
    debug = torch.get("debug")
    return Toolchain(
        gcc=_gcc(tree, environ), nvcc=_nvcc(tree, which(tree, "nvcc", environ)), cuda_home=_cuda_home(tree, environ),
        cudnn=_cudnn(tree), cpus=_cpus(tree.first_text("/sys/devices/system/cpu/present", 200) or ""),
        cpu_vendor=vendor[1] if vendor else None,
        torch_cuda=one_line(str(torch["cuda"]), 20) if torch.get("cuda") else None,
        torch_debug=debug if isinstance(debug, bool) else None, listed=listed(target),
    )  # fmt: skip


def _gcc(tree: Files, environ: Mapping[str, str]) -> str | None:
    """As it stands in the program: whose package it is, and its version."""
    data = _program(tree, which(tree, "gcc", environ))
    version, packaged = _GCC.search(data), _PACKAGED.search(data)
    if version is None:
        return None
    return one_line(f"{packaged[1].decode('utf-8', 'replace') if packaged else '(GCC)'} {version[1].decode()}", 120)


def _nvcc(tree: Files, path: str | None) -> str | None:
    """Of a script that only hands on to the compiler, the compiler's."""
    data = _program(tree, path)
    if (other := _HANDED_ON.match(data[:2048])) is not None:
        data = _program(tree, other[1].decode("utf-8", "surrogateescape"))
    found = _NVCC.search(data)
    return found[1].decode() if found else None


def _program(tree: Files, path: str | None) -> bytes:
    if path is None:
        return b""
    try:
        return tree.read(tree.inside(tree.found(path) or path), LARGEST)
    except Unreadable:
        return b""


def _cuda_home(tree: Files, environ: Mapping[str, str]) -> str | None:
    """As torch looks for it: CUDA_HOME, CUDA_PATH, the folder above nvcc's, the usual one."""
    named = (environ.get("CUDA_HOME") or environ.get("CUDA_PATH")) if tree.own else None
    if named:
        return one_line(named, 200)
    if (nvcc := which(tree, "nvcc", environ)) is not None:
        return os.path.dirname(os.path.dirname(nvcc))
    return "/usr/local/cuda" if tree.isdir("/usr/local/cuda") else None


def _cudnn(tree: Files) -> tuple[str, ...]:
    found = {path for machine in (X86_64, AARCH64) for name, paths in (load_cache(tree, machine) or {}).items()
             if name.startswith("libcudnn") for path in paths}  # fmt: skip
    return tuple(sorted({real for path in found if (real := tree.found(path)) and tree.isfile(real)}))


def _cpus(present: str) -> int | None:
    """How many `0-1,4` are."""
    count = 0
    for part in present.strip().split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            return None
        count += int(last or first) - int(first) + 1
    return count if 0 < count < 1 << 16 else None
