"""What the dynamic section of a library says: what it needs, where to look for it, which symbol versions it knows."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property

from doctor.collect.native.elf import PT_DYNAMIC, PT_TLS, Elf, ElfError
from doctor.collect.native.symbol_versions import definitions, requirements
from doctor.facts.natives import VersionNeed

DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 5, 10, 14, 15, 29
DT_FLAGS, DT_FLAGS_1, DT_VERDEF, DT_VERNEED = 30, 0x6FFFFFFB, 0x6FFFFFFC, 0x6FFFFFFE
DF_1_NODEFLIB, DF_STATIC_TLS = 0x800, 0x10
_MAX_ENTRIES = 20_000
_MAX_NAME = 1 << 16


class DynamicSection:
    """The entries of a library's dynamic section, and the strings and versions that they lead to."""

    def __init__(self, elf: Elf) -> None:
        self.elf = elf
        self.path = elf.path
        self.machine = elf.machine
        self.entries: dict[int, int] = {}
        needed: list[int] = []
        for tag, value in self._read():
            self.entries.setdefault(tag, value)
            if tag == DT_NEEDED:
                needed.append(value)
        self.needed = tuple(self._text(n) for n in needed)
        self.soname = self._optional(DT_SONAME)
        self.runpath = self._optional(DT_RUNPATH)
        self.rpath = None if self.runpath is not None else self._optional(DT_RPATH)
        self.no_default_libs = bool(self.entries.get(DT_FLAGS_1, 0) & DF_1_NODEFLIB)

    @property
    def wants_executable_stack(self) -> bool:
        """See Elf.wants_executable_stack."""
        return self.elf.wants_executable_stack

    @property
    def complete(self) -> bool:
        """See Elf.complete."""
        return self.elf.complete

    @property
    def static_tls(self) -> int:
        """Bytes of thread-local data that must lie in the block made when the process starts; 0 if it need not."""
        if not self.entries.get(DT_FLAGS, 0) & DF_STATIC_TLS:
            return 0
        return max((s.memory for s in self.elf.segments if s.type == PT_TLS), default=0)

    def _read(self) -> Iterator[tuple[int, int]]:
        segment = next((s for s in self.elf.segments if s.type == PT_DYNAMIC), None)
        if segment is None:
            raise ElfError("damaged", "object file has no dynamic section")
        raw = self.elf.take(segment.offset, min(segment.size, _MAX_ENTRIES * 16) // 16 * 16)
        for tag, value in struct.iter_unpack("<qQ", raw):
            if tag == 0:
                return
            yield tag, value

    def _optional(self, tag: int) -> str | None:
        value = self.entries.get(tag)
        return None if value is None else self._text(value)

    def _text(self, offset: int) -> str:
        return self.name_at(offset).decode("utf-8", "surrogateescape")

    @cached_property
    def strings(self) -> tuple[int, int]:
        """Offset and end of the string table in the file."""
        start = self.elf.offset_of(self.address(DT_STRTAB))
        end = start + self.entries.get(DT_STRSZ, 0)
        if end > self.elf.size:
            raise ElfError("damaged", "the string table is past the end")
        return start, end

    def address(self, tag: int) -> int:
        """The value of an entry that must be there."""
        if tag not in self.entries:
            raise ElfError("damaged", f"the dynamic section does not have entry {tag:#x}")
        return self.entries[tag]

    def name_at(self, offset: int) -> bytes:
        """The string at `offset` of the dynamic string table."""
        start, end = self.strings
        at = start + offset
        stop = self.elf.data.find(b"\0", at, min(end, at + _MAX_NAME)) if at < end else -1
        if stop < 0:
            raise ElfError("damaged", "a name has no end")
        return self.elf.data[at:stop]

    def mentions(self, prefix: bytes, limit: int = 16) -> tuple[bytes, ...]:
        """Up to `limit` names of the string table that begin with `prefix`: to explain with, not to link by."""
        start, end = self.strings
        found: list[bytes] = []
        at = self.elf.data.find(b"\0" + prefix, start, end)
        while at >= 0 and len(found) < limit:
            found.append(self.name_at(at + 1 - start))
            at = self.elf.data.find(b"\0" + prefix, at + 1, end)
        return tuple(found)

    @cached_property
    def version_needs(self) -> tuple[VersionNeed, ...]:
        """The symbol versions it requires, of which library."""
        if DT_VERNEED not in self.entries:
            return ()
        return tuple(requirements(self.elf, self.elf.offset_of(self.entries[DT_VERNEED]), self.name_at))

    @cached_property
    def defined_versions(self) -> dict[int, bytes]:
        """The symbol versions it defines, by index."""
        if DT_VERDEF not in self.entries:
            return {}
        return dict(definitions(self.elf, self.elf.offset_of(self.entries[DT_VERDEF]), self.name_at))

    @cached_property
    def versions(self) -> frozenset[bytes]:
        """The symbol versions it defines (`GLIBC_2.17`); empty where it has none."""
        return frozenset(self.defined_versions.values())
