"""Shared libraries: what they need and take, whether the dynamic loader would load them, and their GPU code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

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
    """Machine code for GPUs in a library: `kind` sass (ready to run) or ptx (compiled by the driver), for `arch`.

    `arch` is as NVIDIA writes it without its prefix: `86`, `90a`, `100f`.
    """

    kind: Literal["sass", "ptx"]
    arch: str


@dataclass(frozen=True, slots=True)
class NativeLibrary:
    """One shared library of a distribution; `path` is relative to `location`, its search path entry."""

    path: str
    location: str
    distribution: str
    needed: tuple[str, ...] = ()
    gpu: tuple[GpuCode, ...] = ()
    verdict: NativeVerdict | None = None


@dataclass(frozen=True, slots=True)
class CudaNeed:
    """A CUDA library that is needed by its soname (`libcudart.so.12`), by which file of which distribution."""

    distribution: str
    path: str
    soname: str
    major: int


@dataclass(frozen=True, slots=True)
class Natives:
    """The shared libraries of some distributions.

    `versions` are the highest that the target's C and C++ libraries define: `GLIBC`, `GLIBCXX`, `CXXABI`.
    `torch_archs` are those that torch's build records of itself (`sm_80`, `compute_90`).
    """

    distributions: tuple[str, ...]
    libraries: tuple[NativeLibrary, ...] = ()
    cuda: tuple[CudaNeed, ...] = ()
    versions: dict[str, str] | None = None
    torch_archs: tuple[str, ...] = ()
    machine: str | None = None
    problems: tuple[Problem, ...] = ()
