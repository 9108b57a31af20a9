"""ELF files as the dynamic loader sees them: header, segments, sections; bytes are mapped, nothing is executed.

Little-endian ELF64 (x86-64, aarch64) is read in full. Of others the header is read, so that the wrong class and the
wrong machine can be told. Source: System V ABI, chapters 4 and 5; `elf.h` of glibc.
"""

from __future__ import annotations

import mmap
import os
import struct
from functools import cached_property

from doctor.base.opening import NotRegular, mapped
from doctor.base.record import dataclass
from doctor.facts.natives import BadLibrary

PT_LOAD, PT_DYNAMIC, PT_TLS, PT_GNU_STACK, PF_X = 1, 2, 7, 0x6474E551, 1
SHT_DYNSYM = 11
_HEADER = struct.Struct("<HHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_MAX_SEGMENTS = 1024
_MAX_SECTIONS = 65536
Buffer = mmap.mmap | bytes


class ElfError(ValueError):
    """A file that is not the ELF file it claims to be; `bad` says it in the loader's words."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.bad = BadLibrary(kind, text)


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header: `type`, `flags`, `offset` and `size` in the file, address in memory, size in memory."""

    type: int
    flags: int
    offset: int
    address: int
    size: int
    memory: int


@dataclass(frozen=True, slots=True)
class Section:
    """One section header that has bytes in the file."""

    name: str
    type: int
    offset: int
    size: int


class Elf:
    """One ELF file in memory. Every read is checked against its size; what does not fit raises ElfError."""

    def __init__(self, data: Buffer, path: str = "") -> None:
        self.data = data
        self.path = path
        self.size = len(data)
        _check_ident(data)
        fields = _HEADER.unpack_from(data, 16)
        self.type, self.machine = fields[0], fields[1]
        self._phoff, self._shoff = fields[4], fields[5]
        self._phentsize, self._phnum = fields[8], fields[9]
        self._shentsize, self._shnum, self._shstrndx = fields[10], fields[11], fields[12]
        if self.type not in (2, 3):
            raise ElfError("damaged", "only ET_DYN and ET_EXEC can be loaded")
        if self._phentsize != _PHDR.size:
            raise ElfError("damaged", "ELF file's phentsize not the expected size")

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The program headers, in file order."""
        if self._phnum > _MAX_SEGMENTS:
            raise ElfError("damaged", f"{self._phnum} program headers")
        raw = self.take(self._phoff, self._phnum * _PHDR.size)
        return tuple(Segment(t, f, off, addr, size, mem) for t, f, off, addr, _, size, mem, _ in _PHDR.iter_unpack(raw))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The section headers that have a name and bytes; empty where they were stripped."""
        if not self._shoff or not self._shnum or self._shentsize != _SHDR.size:
            return ()
        raw = self.take(self._shoff, min(self._shnum, _MAX_SECTIONS) * _SHDR.size)
        heads = list(_SHDR.iter_unpack(raw))
        if self._shstrndx >= len(heads):
            return ()
        names = heads[self._shstrndx]
        table = self.take(names[4], min(names[5], 1 << 20))
        return tuple(Section(_name(table, h[0]), h[1], h[4], h[5]) for h in heads if h[1] not in (0, 8))

    def section(self, name: str) -> Section | None:
        """The first section of this name whose bytes lie in the file, or None."""
        return next((s for s in self.sections if s.name == name and s.offset + s.size <= self.size), None)

    @cached_property
    def wants_executable_stack(self) -> bool:
        """Whether loading it makes the stack executable, which newer C libraries refuse (glibc 2.41)."""
        return any(s.type == PT_GNU_STACK and s.flags & PF_X for s in self.segments)

    @cached_property
    def complete(self) -> bool:
        """Whether all bytes that the loader would map are in the file; False for a download cut short."""
        return all(s.offset + s.size <= self.size for s in self.segments if s.type == PT_LOAD)

    def take(self, offset: int, size: int) -> bytes:
        """`size` bytes at `offset`. Raises ElfError where the file has not that many."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise ElfError("damaged", f"{size} bytes at offset {offset} lie past the end ({self.size} bytes)")
        return self.data[offset : offset + size]

    def release(self) -> None:
        """Gives back the memory of what was read; what is asked for again comes from the file."""
        if not isinstance(self.data, bytes) and hasattr(mmap, "MADV_DONTNEED"):
            self.data.madvise(mmap.MADV_DONTNEED)

    def view(self, offset: int, count: int, code: str) -> memoryview:
        """`count` little-endian numbers (`code` as in `struct`) at `offset`, without copying."""
        size = count * struct.calcsize(code)
        if offset < 0 or count < 0 or offset + size > self.size:
            raise ElfError("damaged", f"a table of {count} entries at offset {offset} lies past the end")
        return memoryview(self.data)[offset : offset + size].cast("B").cast(code)  # type: ignore[call-overload,no-any-return]

    def offset_of(self, address: int) -> int:
        """Where in the file the byte stands that the loader puts at `address`."""
        for s in self.segments:
            if s.type == PT_LOAD and s.address <= address < s.address + s.size:
                return address - s.address + s.offset
        raise ElfError("damaged", f"address {address:#x} is in no loaded segment")


def read_elf(path: str | os.PathLike[str]) -> Elf:
    """The ELF file at `path`, mapped. Raises OSError where there is none, ElfError where it is not one."""
    try:
        return Elf(mapped(path), os.fspath(path))
    except NotRegular:
        raise ElfError("damaged", "cannot read file data") from None


def _check_ident(data: Buffer) -> None:
    if len(data) < 64:
        raise ElfError("damaged", "file too short")
    if data[:4] != b"\x7fELF":
        raise ElfError("damaged", "invalid ELF header")
    if data[4] != 2:
        raise ElfError("class", "wrong ELF class: ELFCLASS32")
    if data[5] != 1:
        raise ElfError("damaged", "ELF file data encoding not little-endian")


def _name(table: bytes, offset: int) -> str:
    end = table.find(b"\0", offset)
    return table[offset:end].decode("ascii", "replace") if 0 <= offset < end else ""
