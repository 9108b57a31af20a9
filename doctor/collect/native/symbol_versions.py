"""The GNU version sections of a library: which symbol versions it requires and defines.

Source: Linux Standard Base, "Symbol Versioning"; `Elf64_Verneed`, `Elf64_Verdef` of glibc's elf.h.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from doctor.collect.native.elf import Elf, ElfError
from doctor.facts.natives import VersionNeed

_MAX = 50_000
Names = Callable[[int], bytes]


def requirements(elf: Elf, offset: int, names: Names) -> Iterator[VersionNeed]:
    """The required versions from DT_VERNEED at `offset` of the file, in the loader's order."""
    left = _MAX
    while True:
        _, count, file, first, step = struct.unpack("<HHIII", elf.take(offset, 16))
        library, at = names(file), offset + first
        for _ in range(count):
            left -= 1
            if left < 0:
                raise ElfError("damaged", "more symbol versions than any library has")
            _, flags, index, name, following = struct.unpack("<IHHII", elf.take(at, 16))
            yield VersionNeed(index & 0x7FFF, library, names(name), bool(flags & 2))
            if not following:
                break
            at += following
        if not step:
            return
        left -= 1
        offset += step


def definitions(elf: Elf, offset: int, names: Names) -> Iterator[tuple[int, bytes]]:
    """The defined versions from DT_VERDEF at `offset` of the file: their index and name."""
    for _ in range(_MAX):
        _, _, index, count, _, first, step = struct.unpack("<HHHHIII", elf.take(offset, 20))
        if count:
            name, _ = struct.unpack("<II", elf.take(offset + first, 8))
            yield index & 0x7FFF, names(name)
        if not step:
            return
        offset += step
    raise ElfError("damaged", "more symbol versions than any library has")
