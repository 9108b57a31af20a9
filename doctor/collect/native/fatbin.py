"""Which GPU architectures a library holds code for, read from its fat binaries without any CUDA tool.

A `.nv_fatbin` section is a chain of fat binaries, each a chain of entries; only their headers are read, so compressed
entries cost nothing. The layout, and the flags that mark `a` and `f` code, were read off what nvcc 12 and 13 write
for known architectures. `__nv_relfatbin` (input of the device linker) is left out: nothing runs from there.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from collections.abc import Iterator

from doctor.base.late import late_pattern
from doctor.collect.native.elf import Elf, ElfError
from doctor.facts.natives import GpuCode

_MAGIC = 0xBA55ED50
_HEAD = struct.Struct("<IHHQ")  # magic, version, header size, size of all entries
_ENTRY = struct.Struct("<HHIQIIHHIIIQ")  # kind, -, header size, size, compressed, -, minor, major, arch, -, -, flags
_PTX, _CUBIN = 1, 2
_EXACT, _FAMILY = 0x100000, 0x200000
_MAX_ENTRIES = 500_000
_SECTION = ".nv_fatbin"
# what stands before it need not end in NUL: compilers lay strings of known length back to back
_ARCH_LIST = late_pattern(rb"((?:sm|compute)_\d{2,3}[af]?(?: (?:sm|compute)_\d{2,3}[af]?){0,40}) ?\0")


def gpu_code(elf: Elf) -> tuple[GpuCode, ...]:
    """The library's fat binaries by the architectures they are for, the most frequent first; empty without GPU code.

    Raises ElfError where the chain of headers is broken.
    """
    section = elf.section(_SECTION)
    if section is None:
        return ()
    _read_sparsely(elf, section.offset, section.size)
    found: Counter[tuple[tuple[str, ...], tuple[int, int] | None]] = Counter()
    left = _MAX_ENTRIES
    for start, end in _binaries(elf, section.offset, section.offset + section.size):
        archs: dict[str, None] = {}
        ptx = None
        for arch, version in _entries(elf, start, end):
            left -= 1
            if left < 0:
                raise ElfError("damaged", "more GPU code than any library has")
            archs[arch] = None
            ptx = max(ptx or version, version) if arch.startswith("compute_") else ptx
        found[tuple(archs), ptx] += 1
    return tuple(GpuCode(count, archs, ptx) for (archs, ptx), count in found.most_common() if archs)


def _binaries(elf: Elf, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each fat binary's entries begin and end."""
    while at + _HEAD.size <= end:
        magic, version, head, size = _HEAD.unpack_from(elf.data, at)
        if magic == 0:  # padding between two objects' parts of the section
            at += 8
            continue
        if magic != _MAGIC or version != 1 or head < _HEAD.size or size > end - at - head:
            raise ElfError("damaged", f"no fat binary where one should be, at offset {at}")
        yield at + head, at + head + size
        at = (at + head + size + 7) // 8 * 8


def _entries(elf: Elf, at: int, end: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """The architecture of each entry, with the version of its PTX language (of machine code: without meaning)."""
    while at + _ENTRY.size <= end:
        kind, _, head, size, _, _, minor, major, arch, _, _, flags = _ENTRY.unpack_from(elf.data, at)
        if head < _ENTRY.size or size > end - at - head:
            raise ElfError("damaged", f"a GPU code entry at offset {at} is longer than its binary")
        if kind in (_PTX, _CUBIN):
            suffix = "a" if flags & _EXACT else "f" if flags & _FAMILY else ""
            yield f"{'sm' if kind == _CUBIN else 'compute'}_{arch}{suffix}", (major, minor)
        at += head + size


def _read_sparsely(elf: Elf, offset: int, size: int) -> None:
    """Tells the system not to read ahead: between two headers lie megabytes that nobody wants."""
    if isinstance(elf.data, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        start = offset // mmap.PAGESIZE * mmap.PAGESIZE
        elf.data.madvise(mmap.MADV_RANDOM, start, min(size + offset - start, elf.size - start))


def recorded_archs(elf: Elf) -> tuple[str, ...]:
    """The architectures that torch's build wrote into `libtorch_python.so` (`CUDA_ARCH_FLAGS`); empty without CUDA."""
    section = elf.section(".rodata")
    if section is None or not isinstance(elf.data, (mmap.mmap, bytes)):
        return ()
    view = memoryview(elf.data)[section.offset : section.offset + section.size]
    longest: list[str] = []
    for match in _ARCH_LIST.finditer(view):
        longest = max(longest, match[1].decode().split(), key=len)
    return tuple(longest)
