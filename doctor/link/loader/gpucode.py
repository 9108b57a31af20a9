"""Whether compiled GPU code runs on a device, by NVIDIA's rules. Pure.

Source: CUDA C++ Programming Guide, "Application Compatibility", "Feature Set Compiler Targets"; CUDA Compatibility,
"PTX JIT". Machine code (`sm_86`) runs on devices of the same major and the same or a higher minor version. PTX
(`compute_86`) is compiled for any device of that version or a later one, by a driver no older than the toolkit that
wrote it. `a` code runs on exactly its device, `f` code on later ones of its family, which is its major version.
"""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.late import late_pattern
from doctor.facts.natives import GpuCode

_ARCH = late_pattern(r"(sm|compute)_(\d{1,2})(\d)([af]?)")
# Embedded devices whose machine code is their own: Tegra is not compatible with others of the same major version.
_ALONE = frozenset({(5, 3), (6, 2), (7, 2), (8, 7)})


def runs_on(
    archs: Iterable[str],
    capability: tuple[int, int],
    driver_cuda: tuple[int, int] | None = None,
    ptx: tuple[int, int] | None = None,
) -> bool:
    """Whether any of `archs` (`sm_86`, `compute_90a`) runs on a device of this compute capability.

    `driver_cuda` is the newest CUDA of the driver, `ptx` the version of the PTX language; where one of them is not
    known, PTX is taken to be compiled.
    """
    compiles = driver_cuda is None or ptx is None or driver_cuda >= cuda_of_ptx(ptx)
    return any(_runs(arch, capability, compiles) for arch in archs)


def cuda_of_ptx(ptx: tuple[int, int]) -> tuple[int, int]:
    """The CUDA version that brought a version of the PTX language: 7.x came with 11.x, 8.x with 12.x, 9.x with 13.x.

    8.5 served CUDA 12.5 and 12.6; from 8.6 on the minor versions are one apart. Source: PTX ISA, "Release Notes".
    """
    major, minor = ptx
    return major + 4, minor + (1 if major == 8 and minor >= 6 else 0)


def share_running(
    code: Iterable[GpuCode], capability: tuple[int, int], driver_cuda: tuple[int, int] | None = None
) -> float:
    """The part of a library's GPU modules, 0 to 1, that has code for such a device; 1.0 for a library without any."""
    modules = tuple(code)
    total = sum(m.count for m in modules)
    good = sum(m.count for m in modules if runs_on(m.archs, capability, driver_cuda, m.ptx))
    return good / total if total else 1.0


def _runs(arch: str, capability: tuple[int, int], compiles: bool) -> bool:
    match = _ARCH.fullmatch(arch)
    if not match:
        return False
    kind, target, tied = match[1], (int(match[2]), int(match[3])), match[4]
    if tied == "a" and target != capability:
        return False
    if tied == "f" and target[0] != capability[0]:
        return False
    if kind == "sm":
        alone = target != capability and (target in _ALONE or capability in _ALONE)
        return not alone and target[0] == capability[0] and target[1] <= capability[1]
    return target <= capability and compiles
