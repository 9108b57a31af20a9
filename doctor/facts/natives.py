"""Shared libraries: what they need and take, whether the dynamic loader would load them, and their GPU code."""

from __future__ import annotations

from dataclasses import field
from typing import Literal, NamedTuple

from doctor.base.record import dataclass
from doctor.facts.target import Problem

NativeKind = Literal["missing-library", "missing-symbol", "missing-version", "wrong-architecture", "damaged-library"]
NativeStatus = Literal["ok", "fail", "unknown"]


class Reference(NamedTuple):
    """A symbol that a library takes from elsewhere; `version` and `file` are of its version requirement, if any.

    `position` is its index in the symbol table, `hashed` the name's hash as DT_GNU_HASH tables have it.
    """

    position: int
    name: bytes
    version: bytes | None
    file: bytes | None
    weak: bool
    hashed: int


class VersionNeed(NamedTuple):
    """A symbol version that a library requires of `file` (a soname)."""

    number: int
    file: bytes
    name: bytes
    weak: bool


@dataclass(frozen=True, slots=True)
class BadLibrary:
    """A file that the loader refuses: `kind` is class, machine, damaged or denied, `text` the loader's words."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class NativeVerdict:
    """Whether `dlopen` would take a library, and if not, on what it fails, as the loader's own message names it.

    `name` is the soname (missing-library), the symbol as mangled (missing-symbol) or the version (missing-version).
    `file` is the library that needs it, `provider` the one that was expected to have it. `text` is the loader's
    message, `meaning` the same in plain words. `reason` says why the answer is unknown.
    """

    status: NativeStatus
    kind: NativeKind | None = None
    name: str | None = None
    file: str | None = None
    provider: str | None = None
    text: str = ""
    meaning: str = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GpuCode:
    """The architectures that `count` of a library's GPU modules ("fat binaries") were compiled for.

    `sm_86` is machine code, `compute_120` is PTX, which the driver compiles. A trailing `a` ties the code to exactly
    that architecture, a trailing `f` to its family. `ptx` is the newest version of the PTX language among them.
    """

    count: int
    archs: tuple[str, ...]
    ptx: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NativeLibrary:
    """One shared library of a distribution; `path` is relative to `location`, its search path entry.

    `module` is the name that Python imports it under; None where it is no extension module of this Python.
    `gpu` is empty without GPU code. `verdict` is None where nobody asked the link check.
    """

    path: str
    location: str
    distribution: str
    module: str | None = None
    needed: tuple[str, ...] = ()
    gpu: tuple[GpuCode, ...] = ()
    verdict: NativeVerdict | None = None


@dataclass(frozen=True, slots=True)
class CudaNeed:
    """A CUDA library that a file of a distribution needs: its soname (`libcudart.so.12`) and CUDA's major version."""

    distribution: str
    path: str
    soname: str
    major: int


@dataclass(frozen=True, slots=True)
class Natives:
    """The shared libraries of some distributions, without those that `nvidia-*` distributions bring.

    `cuda` lists one file for every distribution and CUDA library that it needs when it is imported. `versions` are the
    highest that the target's C and C++ libraries define (`GLIBC`, `GLIBCXX`, `CXXABI`). `torch_archs` are the
    architectures that torch's build records of itself (`sm_80`, `compute_90`). `machine` is ELF's number: 62 is x86-64.
    """

    distributions: tuple[str, ...]
    libraries: tuple[NativeLibrary, ...] = ()
    cuda: tuple[CudaNeed, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    torch_archs: tuple[str, ...] = ()
    machine: int | None = None
    problems: tuple[Problem, ...] = ()
