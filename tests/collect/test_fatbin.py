"""GPU code in libraries: equal to what nvcc was told to build, and to what torch records of itself."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from doctor.collect.native.elf import Elf, ElfError, read_elf
from doctor.collect.native.fatbin import gpu_code
from doctor.facts.natives import GpuCode
from doctor.link.loader.gpucode import cuda_of_ptx, runs_on, share_running

pytestmark = pytest.mark.alone

KERNEL = "__global__ void k(float *x) { x[threadIdx.x] *= 2.f; }\nint go(float *p) { k<<<1, 1>>>(p); return 0; }\n"


def fatbin(*entries: tuple[int, int, int], ptx: tuple[int, int] = (8, 4)) -> bytes:
    """A fat binary of (kind, arch, flags) entries with four bytes of code each."""
    minor, major = (ptx[1], ptx[0])
    rows = b"".join(
        struct.pack("<HHIQIIHHIIIQ", kind, 0x101, 64, 8, 0, 0, minor, major, arch, 0, 0, flags | 0x11) + bytes(24)
        for kind, arch, flags in entries
    )
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(rows)) + rows


def library(section: bytes) -> Elf:
    """A library with a `.nv_fatbin` section and little else."""
    names = b"\0.nv_fatbin\0.names\0"
    at = 64
    table = at + len(section) + len(names)
    rows = [bytes(64)]
    for name, kind, start, size in ((1, 1, at, len(section)), (12, 3, at + len(section), len(names))):
        rows.append(struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, start, size, 0, 0, 1, 0))
    head = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, table, 0, 64, 56, 0, 64, 3, 2)
    return Elf(b"\x7fELF\2\1\1" + bytes(9) + head + section + names + b"".join(rows))


def test_kinds_suffixes_and_counts() -> None:
    one = fatbin((2, 80, 0), (2, 90, 0x100000), (2, 100, 0x1200000), (1, 120, 0))
    two = fatbin((2, 75, 0x8000))
    assert gpu_code(library(one + two + bytes(16) + one)) == (
        GpuCode(2, ("sm_80", "sm_90a", "sm_100f", "compute_120"), (8, 4)), GpuCode(1, ("sm_75",)),
    )  # fmt: skip
    assert gpu_code(library(b"")) == ()


def test_broken_chains() -> None:
    whole = fatbin((2, 80, 0), (1, 90, 0))
    for data in (b"\x01" * 64, whole[:30], whole[:8] + b"\xff" * 8 + whole[16:], whole[:24] + b"\xff" * 8 + whole[32:]):
        with pytest.raises(ElfError):
            gpu_code(library(data))
    dice = random.Random(5)
    for _ in range(3000):
        data = bytearray(whole * 3)
        data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            gpu_code(library(bytes(data)))
        except ElfError:
            continue


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="needs nvcc")
@pytest.mark.parametrize("compress", ["", "--no-compress"])
def test_equal_to_what_nvcc_was_told(compress: str, tmp_path: Path) -> None:
    (tmp_path / "k.cu").write_text(KERNEL)
    wanted = ["sm_80", "sm_90", "sm_90a", "compute_90", "compute_90a", "sm_100a", "sm_103f", "compute_120f"]
    codes = [f"-gencode=arch=compute_{w.partition('_')[2]},code={w}" for w in wanted]
    out = tmp_path / "k.so"
    flags = ["-shared", "-Xcompiler", "-fPIC", *([compress] if compress else [])]
    command = ["nvcc", *flags, *codes, "k.cu", "-o", str(out)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this nvcc does not build for all of them: {done.stderr[-200:]}")
    found = gpu_code(read_elf(out))
    assert {a for code in found for a in code.archs} == set(wanted)
    release = subprocess.run(["nvcc", "--version"], capture_output=True, text=True, check=True).stdout
    versions = {cuda_of_ptx(c.ptx) for c in found if c.ptx}
    assert len(versions) == 1 and "release {}.{},".format(*versions.pop()) in release


@pytest.mark.parametrize(("archs", "capability", "driver", "ptx", "runs"), [
    (["sm_86"], (8, 9), None, None, True),  # Ada runs Ampere's code
    (["sm_80"], (8, 6), None, None, True),
    (["sm_86"], (8, 0), None, None, False),
    (["sm_89"], (9, 0), None, None, False),
    (["sm_80", "sm_86", "sm_90"], (12, 0), None, None, False),  # Blackwell without its own code
    (["sm_90a"], (9, 0), None, None, True),
    (["sm_100a"], (10, 3), None, None, False),
    (["sm_100f"], (10, 3), None, None, True),
    (["sm_100f"], (12, 0), None, None, False),
    (["sm_120"], (12, 1), None, None, True),
    (["sm_70"], (7, 5), None, None, True),
    (["sm_72"], (7, 5), None, None, False),  # Tegra's code is its own
    (["compute_80"], (12, 0), (12, 8), (7, 8), True),
    (["compute_90"], (8, 9), (12, 8), (8, 4), False),
    (["compute_90a"], (10, 0), (13, 0), (8, 4), False),
    (["compute_90"], (12, 0), (12, 2), (8, 4), False),  # the driver does not know this PTX yet
    (["compute_90"], (12, 0), (12, 8), (8, 7), True),
    (["compute_120"], (12, 0), (12, 9), (9, 0), False),
    ([], (8, 9), None, None, False),
    (["sm_bogus"], (8, 9), None, None, False),
])  # fmt: skip
def test_rules_of_compatibility(
    archs: list[str],
    capability: tuple[int, int],
    driver: tuple[int, int] | None,
    ptx: tuple[int, int] | None,
    runs: bool,
) -> None:
    assert runs_on(archs, capability, driver, ptx) is runs


def test_share() -> None:
    code = (GpuCode(9, ("sm_80", "sm_90")), GpuCode(1, ("sm_90a",)))
    assert share_running(code, (8, 9)) == 0.9 and share_running(code, (9, 0)) == 1.0
    assert share_running(code, (12, 0)) == 0.0 and share_running((), (12, 0)) == 1.0
