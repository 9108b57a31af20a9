"""The ELF reader: equal to readelf on real files, and unharmed by anything that is not one."""

from __future__ import annotations

import mmap
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from elf_builder import built_library, extension_modules

from doctor.collect.native.elf import Elf, ElfError, read_elf
from doctor.collect.native.elf_dynamic import Dynamic
from doctor.collect.native.fatbin import gpu_code, recorded_archs

pytestmark = pytest.mark.alone

FUZZ_SECONDS = float(os.environ.get("QVL_FUZZ_SECONDS", "3"))
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the ELF files of a Linux system")


def everything(data: bytes | mmap.mmap) -> None:
    """Asks a file everything that the collectors and the link check ask."""
    elf = Elf(data)
    _ = elf.sections, elf.complete, elf.wants_executable_stack
    dynamic = Dynamic(elf)
    _ = dynamic.needed, dynamic.soname, dynamic.version_needs, dynamic.versions, dynamic.bound, dynamic.static_tls
    found = dynamic.references
    dynamic.lacking(found)
    for reference in found[:200]:
        dynamic.exports(reference.name, reference.version)
    dynamic.exports(b"PyInit_x", None)
    dynamic.mentions(b"_Z")
    gpu_code(elf)
    recorded_archs(elf)


@needs_linux
@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf")
def test_equal_to_readelf(tmp_path: Path) -> None:
    files = [*extension_modules(), *filter(None, [built_library(tmp_path)])]
    assert files
    for file in files:
        text = subprocess.run(["readelf", "-dW", file], capture_output=True, text=True, check=True).stdout
        dynamic = Dynamic(read_elf(file))
        assert list(dynamic.needed) == re.findall(r"\(NEEDED\).*\[(.*)\]", text)
        assert [dynamic.soname] == (re.findall(r"\(SONAME\).*\[(.*)\]", text) or [None])
        assert [dynamic.rpath or dynamic.runpath] == (re.findall(r"\(R(?:UN)?PATH\).*\[(.*)\]", text) or [None])
        symbols = subprocess.run(["readelf", "--dyn-syms", "-W", file], capture_output=True, text=True).stdout
        undefined = re.findall(r"(GLOBAL|WEAK) +\w+ +UND (\S+?)(?:@(\S+))?(?: \(\d+\))?$", symbols, re.M)
        expected = {(name, version or None, kind == "WEAK") for kind, name, version in undefined}
        assert {(r.name.decode(), r.version and r.version.decode(), r.weak) for r in dynamic.references} == expected
        defined = re.findall(r"(?:GLOBAL|WEAK|UNIQUE) +DEFAULT +(?:\d+|ABS) (\w+)@?@?(\S*)", symbols)
        for name, version in defined:
            if name != version:  # the version's own symbol
                assert dynamic.exports(name.encode(), version.encode() or None), (file, name, version)
        assert not dynamic.exports(b"certainly_not_here", None)


@pytest.mark.parametrize("data", [
    b"", b"\x7fELF", b"\x7fELF\2\1\1" + bytes(57), b"MZ" + bytes(100), b"#!/bin/sh\n" + b"x" * 100,
])  # fmt: skip
def test_what_is_no_library(data: bytes) -> None:
    with pytest.raises(ElfError):
        everything(data)


def test_only_regular_files(tmp_path: Path) -> None:
    with pytest.raises(ElfError):
        read_elf(tmp_path) if sys.platform != "win32" else read_elf(_short(tmp_path))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ElfError):
            read_elf(tmp_path / "pipe")
    with pytest.raises(OSError):
        read_elf(tmp_path / "absent")


def _short(folder: Path) -> Path:
    (folder / "short").write_bytes(b"x")
    return folder / "short"


BODY = 1 << 40  # stands for the address at which `body` lands


def crafted(entries: list[tuple[int, int]], body: bytes = b"", memory: int | None = None) -> bytes:
    """A library whose only segment is the whole file, with these dynamic entries and then `body`."""
    start = 64 + 2 * 56
    at = start + 16 * (len(entries) + 1)
    placed = [(tag, value - BODY + at if BODY <= value < BODY + 1000 else value) for tag, value in entries]
    dynamic = b"".join(struct.pack("<qQ", *e) for e in [*placed, (0, 0)])
    size = start + len(dynamic) + len(body)
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, memory or size, memory or size, 4096)
    table = struct.pack("<IIQQQQQQ", 2, 6, start, start, start, len(dynamic), len(dynamic), 8)
    return head + load + table + dynamic + body


STRTAB, SYMTAB, STRSZ, HASH, GNU, VERNEED, VERDEF, RELA, RELASZ = 5, 6, 10, 4, 0x6FFFFEF5, 0x6FFFFFFE, 0x6FFFFFFC, 7, 8
HOSTILE = {
    "names past the end": [(STRTAB, 0), (STRSZ, 1 << 62), (1, 5)],
    "a name without an end": [(STRTAB, BODY), (STRSZ, 20), (1, 4)],
    "address in no segment": [(STRTAB, 1 << 63), (STRSZ, 10), (1, 0)],
    "hash table of zeros": [(STRTAB, 0), (STRSZ, 8), (SYMTAB, 0), (GNU, BODY + 60)],
    "ten million symbols": [(STRTAB, 0), (STRSZ, 8), (SYMTAB, 0), (HASH, BODY + 40)],
    "versions in a circle": [(STRTAB, 0), (STRSZ, 8), (VERNEED, 0), (SYMTAB, 0)],
    "definitions in a circle": [(STRTAB, 0), (STRSZ, 8), (VERDEF, 0), (SYMTAB, 0)],
    "endless relocations": [(STRTAB, 0), (STRSZ, 8), (SYMTAB, 0), (RELA, 0), (RELASZ, 1 << 60)],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tables(name: str) -> None:
    body = b"A" * 40 + struct.pack("<II", 1, 10_000_000) + bytes(64)
    start = time.perf_counter()
    with pytest.raises(ElfError):
        everything(crafted(HOSTILE[name], body))
    assert time.perf_counter() - start < 2


def test_a_hash_table_that_runs_in_a_circle() -> None:
    count = 4
    chains = struct.pack("<II I 4I", 1, count, 1, 0, 2, 3, 1)
    symbols = b"".join(struct.pack("<IBBHQQ", 1, 0x12, 0, 7, 1, 1) for _ in range(count))
    body = chains + bytes(4) + symbols + b"\0abc\0"
    entries = [(STRTAB, BODY + 32 + 24 * count), (STRSZ, 5), (SYMTAB, BODY + 32), (HASH, BODY), (14, 1)]
    dynamic = Dynamic(Elf(crafted(entries, body)))
    assert dynamic.soname == "abc" and dynamic.exports(b"abc", None)
    start = time.perf_counter()
    with pytest.raises(ElfError):
        for _ in range(100):
            dynamic.exports(b"other", None)
    assert time.perf_counter() - start < 60


@needs_linux
def test_really_ten_million_symbols(tmp_path: Path) -> None:
    """A sparse file that claims ten million undefined symbols: refused, and not read first."""
    count = 10_000_000
    size = 4096 + 28 * count
    entries = [(STRTAB, 0), (STRSZ, 16), (SYMTAB, 4096), (HASH, BODY)]
    data = crafted(entries, struct.pack("<III", 1, count, 0), memory=size)
    file = tmp_path / "many.so"
    with file.open("wb") as out:
        out.write(data)
        out.truncate(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    with pytest.raises(ElfError):
        _ = Dynamic(read_elf(file)).references
    assert time.perf_counter() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@needs_linux
def test_fuzz(tmp_path: Path) -> None:
    """Damaged real libraries: ElfError or an answer, in bounded time. QVL_FUZZ_SECONDS sets how long."""
    seeds = [f.read_bytes() for f in [*extension_modules(4), *filter(None, [built_library(tmp_path)])]]
    dice = random.Random(int(os.environ.get("QVL_FUZZ_SEED", "1")))
    end = time.monotonic() + FUZZ_SECONDS
    slowest, rounds = 0.0, 0
    while time.monotonic() < end:
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.choice([1, 1, 2, 5, 30])):
            _damage(data, dice)
        start = time.perf_counter()
        with suppress(ElfError):
            everything(bytes(data))
        slowest = max(slowest, time.perf_counter() - start)
        rounds += 1
    print(f"{rounds} damaged files, the slowest took {slowest:.3f} s")
    assert rounds > 20 and slowest < 20


_EVIL = [0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1]


def _damage(data: bytearray, dice: random.Random) -> None:
    if len(data) < 100:
        return
    kind = dice.randrange(5)
    # most of what matters is near the front: headers, hash tables, symbols
    at = dice.randrange(len(data) if dice.random() < 0.4 else min(len(data), 4096))
    if kind == 0:
        data[at] = dice.randrange(256)
    elif kind == 1:
        at = at // 8 * 8
        data[at : at + 8] = struct.pack("<Q", dice.choice([*_EVIL, dice.randrange(len(data))]))[: len(data) - at]
    elif kind == 2:
        at = at // 4 * 4
        data[at : at + 4] = struct.pack("<I", dice.choice(_EVIL) & 0xFFFFFFFF)[: len(data) - at]
    elif kind == 3 and dice.random() < 0.3:
        del data[dice.randrange(64, len(data)) :]
    else:
        size = dice.randrange(1, 64)
        source = dice.randrange(len(data))
        chunk = data[source : source + size]
        data[at : at + len(chunk)] = chunk
