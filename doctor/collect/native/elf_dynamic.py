"""A shared library's symbols: what it takes from others, what it gives, in which order the loader binds them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from doctor.collect.native.dynamic_section import DynamicSection
from doctor.collect.native.elf import SHT_DYNSYM, ElfError
from doctor.collect.native.gnu_hash import GnuHash, HashTable, SysvHash
from doctor.collect.native.gnu_hash import gnu_hash as hash_of
from doctor.facts.natives import Reference, VersionNeed

DT_PLTRELSZ, DT_HASH, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_JMPREL = 2, 4, 6, 7, 8, 23
DT_GNU_HASH, DT_VERSYM, DT_RELACOUNT = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFF9
_SYM = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")
_MAX_UNDEFINED = 500_000
_MAX_SYMBOLS = 4_000_000
_MAX_RELOCATIONS = 8_000_000
_NAME_BYTES = 64 << 20
# types that a reference may bind to: NOTYPE, OBJECT, FUNC, COMMON, TLS, GNU_IFUNC (glibc's ALLOWED_STT)
_TYPES = frozenset((0, 1, 2, 5, 6, 10))
_BINDINGS = frozenset((1, 2, 10))  # GLOBAL, WEAK, GNU_UNIQUE


class Dynamic(DynamicSection):
    """A library as the loader links it. Tables are read when first asked for; anything impossible raises ElfError."""

    @cached_property
    def _symbols(self) -> int:
        return self.elf.offset_of(self.address(DT_SYMTAB))

    @cached_property
    def _hash(self) -> HashTable | None:
        if DT_GNU_HASH in self.entries:
            return GnuHash(self.elf, self.elf.offset_of(self.entries[DT_GNU_HASH]))
        if DT_HASH in self.entries:
            return SysvHash(self.elf, self.elf.offset_of(self.entries[DT_HASH]))
        return None

    @cached_property
    def _symbol_count(self) -> int:
        """How many entries the symbol table has; the file format does not say it in one place."""
        if DT_HASH in self.entries:
            return int(SysvHash(self.elf, self.elf.offset_of(self.entries[DT_HASH])).count)
        section = next((s for s in self.elf.sections if s.type == SHT_DYNSYM and s.offset == self._symbols), None)
        if section is not None:
            return section.size // _SYM.size
        if isinstance(self._hash, GnuHash) and self._hash.last:
            return int(self._hash.last) + 1
        return max(0, self.strings[0] - self._symbols) // _SYM.size

    def _symbol(self, index: int) -> tuple[Any, ...]:
        at = self._symbols + index * _SYM.size
        if at + _SYM.size > self.elf.size:
            raise ElfError("damaged", f"symbol {index} lies past the end")
        found: tuple[Any, ...] = _SYM.unpack_from(self.elf.data, at)
        return found

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The symbols it takes from elsewhere, in table order."""
        if DT_SYMTAB not in self.entries:
            return ()
        table = self._hash
        count = table.first if isinstance(table, GnuHash) and table.last else self._symbol_count
        if count > _MAX_SYMBOLS:
            raise ElfError("damaged", f"{count} symbols")
        return tuple(self._undefined(count))

    def _undefined(self, count: int) -> Iterator[Reference]:
        raw = self.elf.view(self._symbols, count * _SYM.size, "B")
        budget, found = _NAME_BYTES, 0
        for index, (name, info, _, shndx, _, _) in enumerate(_SYM.iter_unpack(raw)):
            if shndx == 0 and info >> 4 in _BINDINGS and name:
                text = self.name_at(name)
                budget -= len(text)
                found += 1
                if budget < 0 or found > _MAX_UNDEFINED:
                    raise ElfError("damaged", "more undefined symbols than any library has")
                need = self._needs.get(self._version_index(index))
                name_needed, file = (need.name, need.file) if need else (None, None)
                yield Reference(index, text, name_needed, file, info >> 4 == 2, hash_of(text))

    @cached_property
    def _versions(self) -> memoryview | None:
        if DT_VERSYM not in self.entries:
            return None
        offset = self.elf.offset_of(self.entries[DT_VERSYM])
        return self.elf.view(offset, min(self._symbol_count_for_versions, (self.elf.size - offset) // 2), "H")

    @property
    def _symbol_count_for_versions(self) -> int:
        return max(self._symbol_count, self._hash.last + 1 if isinstance(self._hash, GnuHash) else 0)

    def _version_index(self, index: int) -> int:
        versions = self._versions
        return versions[index] & 0x7FFF if versions is not None and index < len(versions) else 1

    @cached_property
    def _needs(self) -> dict[int, VersionNeed]:
        return {n.number: n for n in self.version_needs}

    def lacking(self, references: Sequence[Reference]) -> list[Reference]:
        """Those of `references` that would not bind to a definition in this library."""
        table, known = self._hash, self._exported
        if table is None:
            return list(references)
        maybe, left = table.sieve(references)
        for ref in maybe:
            key = (ref.name, ref.version)
            found = known.get(key)
            if found is None:
                found = known[key] = self.exports(ref.name, ref.version)
            if not found:
                left.append(ref)
        return left

    @cached_property
    def _exported(self) -> dict[tuple[bytes, bytes | None], bool]:
        return {}

    def exports(self, name: bytes, version: bytes | None) -> bool:
        """Whether a reference to `name` (of `version`, if given) binds to a definition in this library.

        The conditions are those of `check_match` in glibc's elf/dl-lookup.c.
        """
        table = self._hash
        if table is None:
            return False
        plain = 0
        for index in table.candidates(name):
            at, info, _, shndx, value, _ = self._symbol(index)
            if shndx == 0 or info & 15 not in _TYPES or info >> 4 not in _BINDINGS:
                continue
            if (value == 0 and shndx != 0xFFF1 and info & 15 != 6) or not self._named(at, name):
                continue
            fit = self._version_fits(index, version)
            if fit == 2:
                return True
            plain += fit
        return plain == 1

    def _named(self, offset: int, name: bytes) -> bool:
        at = self.strings[0] + offset
        return self.elf.data[at : at + len(name) + 1] == name + b"\0"

    def _version_fits(self, index: int, version: bytes | None) -> int:
        """2: binds; 1: binds if it is the only one of its name; 0: does not."""
        versions = self._versions
        if versions is None or index >= len(versions):
            return 2
        raw = versions[index]
        number, hidden = raw & 0x7FFF, raw & 0x8000
        if version is None:
            return 2 if number < 3 else 0 if hidden else 1
        own = self.defined_versions.get(number) if number > 1 else None
        if own == version:
            return 2
        return 2 if own is None and not hidden else 0

    @cached_property
    def bound(self) -> tuple[int, ...]:
        """Indices of the symbols that its relocations refer to, in the order in which the loader works them off."""
        order: dict[int, None] = {}
        for table, size, skip in ((DT_RELA, DT_RELASZ, DT_RELACOUNT), (DT_JMPREL, DT_PLTRELSZ, None)):
            count = self.entries.get(size, 0) // _RELA.size
            if table not in self.entries or not count:
                continue
            if count > _MAX_RELOCATIONS:
                raise ElfError("damaged", f"{count} relocations")
            done = min(count, self.entries.get(skip, 0) if skip is not None else 0)
            start = self.elf.offset_of(self.entries[table]) + done * _RELA.size
            raw = self.elf.view(start, (count - done) * _RELA.size, "B")
            order.update(dict.fromkeys(info >> 32 for _, info, _ in _RELA.iter_unpack(raw)))
        return tuple(order)
