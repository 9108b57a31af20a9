"""The link check against the real loader, on small libraries that gcc builds here, and on random graphs of them."""

from __future__ import annotations

import os
import platform
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from doctor.collect.native.libraries import LibraryReader
from doctor.facts.natives import NativeVerdict
from doctor.link.loader.natives import NativeLinker
from doctor.link.loader.torch_preload import Preload
from tests.link.real_loader import real_verdicts

GLIBC = platform.libc_ver()[0] == "glibc"
pytestmark = [
    pytest.mark.skipif(
        shutil.which("gcc") is None or not GLIBC or platform.machine() != "x86_64", reason="needs gcc and glibc on x86-64"
    ),
    pytest.mark.alone,
]


@dataclass
class Library:
    """A library to build: C source, flags, what it links against, in which folder it lands."""

    name: str
    source: str = ""
    needs: Sequence[str] = ()
    flags: Sequence[str] = ()
    folder: str = "."
    script: str | None = None
    extra: list[str] = field(default_factory=list)


def build(root: Path, libraries: Sequence[Library]) -> None:
    """Builds them; what one links against is an empty stand-in of that name, so that any graph can be made."""
    stubs = root / "stubs"
    stubs.mkdir()
    for name in {n for lib in libraries for n in lib.needs}:
        if not (stubs / name).exists():
            gcc("-o", str(stubs / name), f"-Wl,-soname,{name}", "-x", "c", os.devnull)
    for lib in libraries:
        out = root / lib.folder / lib.name
        out.parent.mkdir(parents=True, exist_ok=True)
        source = root / f"{lib.name}.c"
        source.write_text(lib.source)
        flags = list(lib.flags)
        if lib.script is not None:
            script = root / f"{lib.name}.map"
            script.write_text(lib.script)
            flags.append(f"-Wl,--version-script,{script}")
        if not any("-soname" in f for f in flags):
            flags.append(f"-Wl,-soname,{lib.name}")
        real = [str(root / n) for n in lib.extra]
        links = [str(stubs / n) for n in lib.needs]
        gcc("-o", str(out), str(source), "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", *flags, *real, *links)


def gcc(*arguments: str) -> None:
    subprocess.run(["gcc", "-shared", "-fPIC", "-nostdlib", "-O1", *arguments], check=True, capture_output=True)


def ours(file: str, before: Sequence[tuple[str, bool]] = (), library_path: Sequence[str] = ()) -> NativeVerdict:
    linker = NativeLinker(LibraryReader(library_path=library_path), (), os.path.realpath(sys.executable))
    return linker.load(file, [Preload(p, everywhere=g) for p, g in before])


def same(verdict: NativeVerdict, real: str) -> bool:
    return verdict.text == real if verdict.status == "fail" else real == "ok"


ORIGIN = "-Wl,-rpath,$ORIGIN/sub"
RPATH = "-Wl,--disable-new-dtags"
RUNPATH = "-Wl,--enable-new-dtags"
CALLS = "extern void {0}(void); void call_{0}(void) {{ {0}(); }}"
VERSIONED = "V1 {{ global: old; }}; V2 {{ global: {0}; local: *; }} V1;"

CASES: dict[str, list[Library]] = {
    "runpath": [Library("root.so", needs=["liba.so"], flags=[ORIGIN, RUNPATH]), Library("liba.so", folder="sub")],
    "runpath is not inherited": [
        Library("root.so", needs=["liba.so"], flags=[ORIGIN, RUNPATH]),
        Library("liba.so", needs=["libb.so"], folder="sub"),
        Library("libb.so", folder="sub"),
    ],
    "rpath is inherited": [
        Library("root.so", needs=["liba.so"], flags=[ORIGIN, RPATH]),
        Library("liba.so", needs=["libb.so"], folder="sub"),
        Library("libb.so", folder="sub"),
    ],
    "a runpath shuts out the rpath above": [
        Library("root.so", needs=["liba.so"], flags=[ORIGIN, RPATH]),
        Library("liba.so", needs=["libb.so"], folder="sub", flags=["-Wl,-rpath,/nowhere", RUNPATH]),
        Library("libb.so", folder="sub"),
    ],
    "breadth first": [
        Library("root.so", needs=["liba.so", "libmissing_near.so"], flags=[ORIGIN, RPATH]),
        Library("liba.so", needs=["libmissing_deep.so"], folder="sub"),
    ],
    "missing function": [Library("root.so", CALLS.format("nowhere_to_be_found"))],
    "missing datum": [Library("root.so", "extern int datum_of_nobody; int *p = &datum_of_nobody;")],
    "data before functions": [
        Library("root.so", CALLS.format("a_function") + "extern int z_datum; int *p = &z_datum;")
    ],
    "weak": [Library("root.so", "__attribute__((weak)) void maybe(void); void *p = maybe;")],
    "the dependency is bound first": [
        Library("root.so", CALLS.format("missing_in_root"), ["liba.so"], [ORIGIN, RPATH]),
        Library("liba.so", CALLS.format("missing_in_a"), folder="sub"),
    ],
    "symbol of a dependency": [
        Library("root.so", CALLS.format("given"), ["liba.so"], [ORIGIN, RPATH]),
        Library("liba.so", "void given(void) {}", folder="sub"),
    ],
    "symbol of the requirer": [
        Library("root.so", "void given(void) {}", ["liba.so"], [ORIGIN, RPATH]),
        Library("liba.so", CALLS.format("given"), folder="sub"),
    ],
    "hidden symbol": [
        Library("root.so", CALLS.format("given"), ["liba.so"], [ORIGIN, RPATH]),
        Library("liba.so", '__attribute__((visibility("hidden"))) void given(void) {}', folder="sub"),
    ],
    "old hash table": [
        Library("root.so", CALLS.format("given"), ["liba.so"], [ORIGIN, RPATH, "-Wl,--hash-style=sysv"]),
        Library("liba.so", "void given(void) {}", folder="sub", flags=["-Wl,--hash-style=sysv"]),
    ],
    "old hash table, missing": [
        Library("root.so", CALLS.format("taken"), ["liba.so"], [ORIGIN, RPATH, "-Wl,--hash-style=sysv"]),
        Library("liba.so", "void given(void) {}", folder="sub", flags=["-Wl,--hash-style=sysv"]),
    ],
    "no symbols at all": [Library("root.so", CALLS.format("taken"), flags=["-Wl,--exclude-libs,ALL", "-s"])],
    "cycle": [
        Library("root.so", CALLS.format("given"), ["liba.so"], [ORIGIN, RPATH]),
        Library("liba.so", CALLS.format("other"), ["libb.so"], folder="sub"),
        Library("libb.so", "void given(void) {} void other(void) {}", ["liba.so", "root.so"], folder="sub"),
    ],
    "much thread-local data": [
        Library("root.so", "__thread char big[9000]; void *f(void) { return big; }", flags=["-ftls-model=initial-exec"])
    ],
    "little thread-local data": [
        Library("root.so", "__thread char few[16]; void *f(void) { return few; }", flags=["-ftls-model=initial-exec"])
    ],
    "not position independent enough": [Library("root.so", "int x;", flags=["-Wl,-z,nodelete", "-Wl,-z,now"])],
    "executable stack": [Library("root.so", "int x;", flags=["-Wl,-z,execstack"])],
    "packed relocations": [
        Library("root.so", "int x[4]; int *p[4] = {x, x + 1, x + 2}; " + CALLS.format("lost"),
                flags=["-Wl,-z,pack-relative-relocs"])
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_the_real_loader(name: str, tmp_path: Path) -> None:
    build(tmp_path, CASES[name])
    file = str(tmp_path / "root.so")
    (real,) = real_verdicts([((), file)])
    assert same(ours(file), real), (ours(file), real)


@pytest.mark.parametrize("wanted", ["given", "old", "newer"])
@pytest.mark.parametrize("present", ["given", "newer"])
def test_symbol_versions(wanted: str, present: str, tmp_path: Path) -> None:
    """Linked against one version of a library, run with another."""
    source = "void old(void) {{}} void {0}(void) {{}}".format
    v3 = "V1 { global: old; }; V2 { global: given; } V1; V3 { global: newer; local: *; } V2;"
    full = Library("libv.so", source("given") + " void newer(void) {}", script=v3, folder="build")
    there = Library("libv.so", source(present), script=VERSIONED.format(present), folder="sub")
    build(tmp_path, [full])
    shutil.rmtree(tmp_path / "stubs")
    root = Library("root.so", CALLS.format(wanted), flags=[ORIGIN, RPATH], extra=["build/libv.so"])
    build(tmp_path, [there, root])
    file = str(tmp_path / "root.so")
    (real,) = real_verdicts([((), file)])
    assert same(ours(file), real), (ours(file), real)


def test_a_loaded_library_serves_by_its_soname(tmp_path: Path) -> None:
    build(tmp_path, [
        Library("root.so", CALLS.format("given"), ["liba.so"]),
        Library("liba.so", "void given(void) {}", folder="elsewhere"),
    ])  # fmt: skip
    file, elsewhere = str(tmp_path / "root.so"), str(tmp_path / "elsewhere/liba.so")
    loads = [((), file), ([(elsewhere, False)], file)]
    verdicts = [ours(f, before) for before, f in loads]
    assert [v.status for v in verdicts] == ["fail", "ok"]
    assert all(same(v, real) for v, real in zip(verdicts, real_verdicts(loads), strict=True))


def test_only_what_is_loaded_for_everybody_gives_its_symbols(tmp_path: Path) -> None:
    build(tmp_path, [Library("root.so", CALLS.format("given")), Library("liba.so", "void given(void) {}")])
    file, other = str(tmp_path / "root.so"), str(tmp_path / "liba.so")
    loads = [([(other, False)], file), ([(other, True)], file)]
    verdicts = [ours(f, before) for before, f in loads]
    assert [v.status for v in verdicts] == ["fail", "ok"]
    assert all(same(v, real) for v, real in zip(verdicts, real_verdicts(loads), strict=True))


def test_library_path(tmp_path: Path) -> None:
    build(tmp_path, [Library("root.so", needs=["liba.so"]), Library("liba.so", folder="libs")])
    file, libs = str(tmp_path / "root.so"), str(tmp_path / "libs")
    (real,) = real_verdicts([((), file)], environment={"LD_LIBRARY_PATH": libs})
    assert real == "ok" and ours(file, library_path=[libs]).status == "ok"
    assert ours(file).status == "fail"


def test_the_interpreters_own_search_path(tmp_path: Path) -> None:
    """A program behind a link, with libraries beside it (conda): its RPATH counts for what it opens."""
    build(tmp_path, [
        Library("liba.so", "void given(void) {}", folder="prefix/lib"),
        Library("root.so", CALLS.format("given"), ["liba.so"]),
    ])  # fmt: skip
    (tmp_path / "prefix/bin").mkdir()
    program, source = tmp_path / "prefix/bin/program", tmp_path / "program.c"
    source.write_text(
        "#include <dlfcn.h>\n#include <stdio.h>\n"
        'int main(int n, char **a) { puts(dlopen(a[1], RTLD_NOW) ? "ok" : dlerror()); return 0; }\n'
    )
    for flag, status in ((RPATH, "ok"), (RUNPATH, "fail")):
        command = ["gcc", str(source), "-o", str(program), "-Wl,-rpath,$ORIGIN/../lib", flag, "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(program)
        file = str(tmp_path / "root.so")
        real = subprocess.run([tmp_path / "link", file], capture_output=True, text=True, check=True).stdout.strip()
        verdict = NativeLinker(LibraryReader(), (), str(tmp_path / "link")).load(file)
        assert verdict.status == status and same(verdict, real), (verdict, real)


def truncated(data: bytes) -> bytes:
    return data[:40]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda d: b"",
    "cut in the header": truncated,
    "a text file": lambda d: b"version https://git-lfs.github.com/spec/v1\noid sha256:0000000000000000\nsize 12\n",
    "32 bit": lambda d: d[:4] + b"\1" + d[5:],
    "big-endian": lambda d: d[:5] + b"\2" + d[6:],
    "another processor": lambda d: d[:18] + (183).to_bytes(2, "little") + d[20:],
    "an object file": lambda d: d[:16] + b"\1\0" + d[18:],
    "header size": lambda d: d[:54] + b"\x39\0" + d[56:],
}


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_and_foreign_files(damage: str, direct: bool, tmp_path: Path) -> None:
    build(tmp_path, [Library("root.so", needs=["liba.so"], flags=[ORIGIN, RPATH]), Library("liba.so", folder="sub")])
    victim = tmp_path / "sub/liba.so"
    victim.write_bytes(DAMAGE[damage](victim.read_bytes()))
    file = str(victim if direct else tmp_path / "root.so")
    (real,) = real_verdicts([((), file)])
    verdict = ours(file)
    assert verdict.status == "fail" and real not in ("ok", "died")
    assert verdict.text == real, (verdict.text, real)


def test_a_file_cut_short_is_said_to_be_damaged(tmp_path: Path) -> None:
    """The real loader maps it all the same, and the process dies of SIGBUS or later."""
    build(tmp_path, [Library("root.so", "int table[9000] = {1};")])
    file = tmp_path / "root.so"
    file.write_bytes(file.read_bytes()[:8192])
    verdict = ours(str(file))
    assert (verdict.status, verdict.kind) == ("fail", "damaged-library")


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(seed: int, tmp_path: Path) -> None:
    """Libraries that need each other in every direction, with any search path, some gone, some with lost symbols."""
    dice = random.Random(seed)
    names = [f"lib{c}.so" for c in "abcdefgh"]
    folders = ["one", "two", "three"]
    symbols = [f"s{n}" for n in range(14)]
    libraries = []
    for name in names:
        owned = dice.sample(symbols, dice.randint(1, 3))
        wanted = [s for s in dice.sample(symbols, dice.randint(0, 3)) if s not in owned]
        weak = '__attribute__((weak)) ' if dice.random() < 0.15 else ""
        source = "".join(f"void {s}(void) {{}}\n" for s in owned)
        source += "".join(f"extern {weak}void {s}(void); void *p_{s} = {s};\n" for s in wanted[:2])
        source += "".join(f"extern {weak}void {s}(void); void c_{s}(void) {{ {s}(); }}\n" for s in wanted[2:])
        flags = [f"-Wl,-rpath,$ORIGIN/../{f}" for f in dice.sample(folders, dice.choice([0, 1, 2, 3, 3]))]
        flags.append(dice.choice([RPATH, RPATH, RUNPATH]))
        needs = dice.sample([*names, "libgone.so"] if dice.random() < 0.2 else names, dice.randint(0, 3))
        libraries.append(Library(name, source, [n for n in needs if n != name], flags, dice.choice(folders)))
    build(tmp_path, libraries)
    files = [str(tmp_path / lib.folder / lib.name) for lib in libraries]
    loads = [((), f) for f in files]
    loads += [([(dice.choice(files), dice.random() < 0.5) for _ in range(3)], f) for f in files]
    for (before, file), real in zip(loads, real_verdicts(loads), strict=True):
        verdict = ours(file, before)
        assert same(verdict, real), (before, file, verdict, real)
