"""Symbol look-up by the hash tables of a library, so that its symbol table need not be read.

Source: `DT_GNU_HASH` as in glibc's elf/dl-lookup.c; `DT_HASH` as in the System V ABI, chapter 5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Protocol

from doctor.collect.native.elf import Elf, ElfError
from doctor.facts.natives import Reference

# A look-up walks a handful of entries; a table that is made to be walked for ever runs out of this.
_STEPS = 4_000_000


class HashTable(Protocol):
    """Finds the symbols that may have a name."""

    def candidates(self, name: bytes) -> Iterator[int]:
        """Indices of symbols that may be called `name`."""
        ...

    def sieve(self, references: Sequence[Reference]) -> tuple[list[Reference], list[Reference]]:
        """Those that may be in the table and those that are certainly not: quick, and mostly enough."""
        ...


@lru_cache(maxsize=200_000)
def gnu_hash(name: bytes) -> int:
    """The hash of a symbol's name that DT_GNU_HASH tables are built with (Bernstein's, 32 bits)."""
    h = 5381
    for c in name:
        h = h * 33 + c & 0xFFFFFFFF
    return h


class GnuHash:
    """A DT_GNU_HASH table; `first` is the index of the first symbol in it, which those taken from elsewhere precede."""

    def __init__(self, elf: Elf, offset: int) -> None:
        buckets, self.first, words, self._shift = struct.unpack("<4I", elf.take(offset, 16))
        if not buckets or not words or words & (words - 1):
            raise ElfError("damaged", "the symbol hash table has no buckets")
        self._mask, self._buckets_count = words - 1, buckets
        self._bloom = elf.view(offset + 16, words, "Q")
        self._buckets = elf.view(offset + 16 + words * 8, buckets, "I")
        chains = offset + 16 + words * 8 + buckets * 4
        self._chains = elf.view(chains, (elf.size - chains) // 4, "I")
        self._steps = _STEPS

    def candidates(self, name: bytes) -> Iterator[int]:
        """See HashTable."""
        hashed = gnu_hash(name)
        word = self._bloom[(hashed >> 6) & self._mask]
        if not (word >> (hashed & 63)) & (word >> ((hashed >> self._shift) & 63)) & 1:
            return
        index = self._buckets[hashed % self._buckets_count]
        at, chains, wanted = index - self.first, self._chains, hashed | 1
        while index and 0 <= at < len(chains):
            entry = chains[at]
            if entry | 1 == wanted:
                yield at + self.first
            if entry & 1:
                return
            at += 1
            self._steps -= 1
            if self._steps < 0:
                raise ElfError("damaged", "the symbol hash table has no end")

    def sieve(self, references: Sequence[Reference]) -> tuple[list[Reference], list[Reference]]:
        """See HashTable; asks the table's Bloom filter."""
        bloom, mask, shift = self._bloom, self._mask, self._shift
        maybe: list[Reference] = []
        lacking: list[Reference] = []
        for ref in references:
            hashed = ref.hashed
            word = bloom[(hashed >> 6) & mask]
            (maybe if (word >> (hashed & 63)) & (word >> ((hashed >> shift) & 63)) & 1 else lacking).append(ref)
        return maybe, lacking

    @cached_property
    def last(self) -> int:
        """The index of the last symbol in the table; 0 for an empty one."""
        top: int = max(self._buckets, default=0)
        if top < self.first or not top:
            return 0
        at: int = top - self.first
        while at < len(self._chains) and not self._chains[at] & 1:
            at += 1
        return at + int(self.first)


class SysvHash:
    """A DT_HASH table; `count` is the number of symbols."""

    first = 0

    def sieve(self, references: Sequence[Reference]) -> tuple[list[Reference], list[Reference]]:
        """See HashTable; this kind of table cannot say."""
        return list(references), []

    def __init__(self, elf: Elf, offset: int) -> None:
        buckets, self.count = struct.unpack("<2I", elf.take(offset, 8))
        self._buckets = elf.view(offset + 8, buckets, "I")
        self._chains = elf.view(offset + 8 + buckets * 4, self.count, "I")
        self._steps = _STEPS

    def candidates(self, name: bytes) -> Iterator[int]:
        """See HashTable."""
        if not len(self._buckets):
            return
        index = self._buckets[_sysv_hash(name) % len(self._buckets)]
        while 0 < index < self.count:
            yield index
            index = self._chains[index]
            self._steps -= 1
            if self._steps < 0:
                raise ElfError("damaged", "the symbol hash table runs in a circle")


def _sysv_hash(name: bytes) -> int:
    h = 0
    for c in name:
        h = (h << 4) + c
        h ^= (h & 0xF0000000) >> 24
        h &= 0x0FFFFFFF
    return h
