"""ld.so.cache and ld.so.conf: equal to ldconfig on this machine, harmless on garbage, all below another root."""

from __future__ import annotations

import random
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from doctor.base.files import Files
from doctor.collect.native.libraries import LibraryReader, reader_for
from doctor.collect.native.loader_cache import builtin_folders, configured_folders, load_cache, read_cache
from doctor.facts import Target
from doctor.link.loader.natives import NativeLinker

pytestmark = pytest.mark.alone

CACHE = Path("/etc/ld.so.cache")
LDCONFIG = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")
has_cache = pytest.mark.skipif(not CACHE.is_file() or LDCONFIG is None, reason="needs ld.so.cache and ldconfig")


@has_cache
def test_equal_to_ldconfig() -> None:
    listed = subprocess.run([str(LDCONFIG), "-p"], capture_output=True, text=True, check=True).stdout
    expected: dict[str, list[str]] = {}
    for name, kind, path in re.findall(r"^\t(\S+) \((.*?)\) => (\S+)$", listed, re.M):
        if "x86-64" in kind:
            expected.setdefault(name, []).append(path)
    if not expected:
        pytest.skip("no x86-64 entries")
    found = load_cache(Files(), 62)
    assert found is not None
    assert {n: sorted(p) for n, p in found.items()} == {n: sorted(p) for n, p in expected.items()}


def new_format(entries: list[tuple[int, str, str, int]]) -> bytes:
    strings, rows = b"", []
    base = 48 + 24 * len(entries)
    for flags, name, path, caps in entries:
        rows.append(struct.pack("<iIIIQ", flags, base + len(strings), base + len(strings) + len(name) + 1, 0, caps))
        strings += name.encode() + b"\0" + path.encode() + b"\0"
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(strings)) + bytes(20)
    return head + b"".join(rows) + strings


def old_format(entries: list[tuple[int, str, str]], follows: bytes = b"") -> bytes:
    strings, rows = b"", []
    for flags, name, path in entries:
        rows.append(struct.pack("<iII", flags, len(strings), len(strings) + len(name) + 1))
        strings += name.encode() + b"\0" + path.encode() + b"\0"
    front = b"ld.so-1.7.0\0" + struct.pack("<I", len(entries)) + b"".join(rows)
    return front + bytes(-len(front) % 8) + follows if follows else front + strings


ENTRIES = [(0x303, "libx.so.1", "/caps/libx.so.1", 1 << 62), (0x303, "libx.so.1", "/usr/lib/libx.so.1", 0),
           (0x3, "liby.so.1", "/lib32/liby.so.1", 0), (0xA03, "libz.so", "/lib/aarch64/libz.so", 0)]  # fmt: skip


def test_both_formats() -> None:
    data = new_format(ENTRIES)
    assert read_cache(data, 62) == {"libx.so.1": ("/usr/lib/libx.so.1", "/caps/libx.so.1")}
    assert read_cache(data, 183) == {"libz.so": ("/lib/aarch64/libz.so",)}
    plain = [(0x303, "libx.so.1", "/usr/lib/libx.so.1")]
    assert read_cache(old_format(plain), 62) == {"libx.so.1": ("/usr/lib/libx.so.1",)}
    assert read_cache(old_format(plain, data), 62) == read_cache(data, 62)


def test_garbage() -> None:
    dice = random.Random(3)
    whole = new_format(ENTRIES * 20)
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 3, 40])):
            data[dice.randrange(20, len(data))] = dice.randrange(256)
        cut = bytes(data[: dice.randrange(len(data))]) if dice.random() < 0.3 else bytes(data)
        assert isinstance(read_cache(cut, 62), dict)
    assert read_cache(b"glibc-ld.so.cache1.1" + b"\xff" * 200, 62) == {}
    assert read_cache(b"\xff" * 100, 62) == {} and read_cache(b"", 62) == {}


def test_configuration_below_a_root(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    (etc / "ld.so.conf.d").mkdir(parents=True)
    (etc / "ld.so.conf").write_text("include ld.so.conf.d/*.conf\n/opt/one # why\n")
    (etc / "ld.so.conf.d/a.conf").write_text("/opt/two\ninclude /etc/ld.so.conf\nhwcap 0 nosegneg\n")
    assert configured_folders(Files(str(tmp_path))) == ("/opt/two", "/opt/one", "/usr/lib/wsl/lib")
    reader = LibraryReader(str(tmp_path))
    assert str(tmp_path / "opt/two") in reader.default_folders
    assert str(tmp_path / "usr/lib/wsl/lib") in reader.default_folders


def test_links_stay_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_text("x")
    (tmp_path / "absolute").symlink_to("/real/file")
    (tmp_path / "climbing").symlink_to("../../../../real/file")
    (tmp_path / "loop").symlink_to("loop")
    fs = Files(str(tmp_path))
    for name in ("absolute", "climbing"):
        assert fs.real(str(tmp_path / name)) == str(tmp_path / "real/file")
    assert fs.real(str(tmp_path / "loop")) == str(tmp_path / "loop")
    assert fs.inside("/../../etc/x") == str(tmp_path / "etc/x")


@has_cache
def test_the_loaders_own_folders() -> None:
    folders = builtin_folders(Files(), 62)
    assert any((Path(f) / "libc.so.6").exists() for f in folders)


@pytest.mark.skipif(not Path("/lib/x86_64-linux-gnu/libc.so.6").exists(), reason="needs a Debian-like x86-64 system")
def test_a_container_tree_is_judged_by_its_own_libraries(tmp_path: Path) -> None:
    """A root that has a C library, but not the one thing that the module needs."""
    lib = tmp_path / "lib/x86_64-linux-gnu"
    lib.mkdir(parents=True)
    for name in ("libc.so.6", "libm.so.6"):
        shutil.copy(f"/lib/x86_64-linux-gnu/{name}", lib / name)
    (tmp_path / "lib64").mkdir()
    shutil.copy("/lib64/ld-linux-x86-64.so.2", tmp_path / "lib64/ld-linux-x86-64.so.2")  # on no search path
    module = next(Path(sys.prefix).glob("lib/python*/site-packages/**/*.so"), None) or next(
        Path(sys.base_prefix).glob("lib/python*/lib-dynload/*.so"), None
    )
    if module is None:
        pytest.skip("this Python has no compiled module")
    inside = tmp_path / "app" / module.name
    inside.parent.mkdir()
    shutil.copy(module, inside)
    target = Target("installed", "test", python="3.11", root=str(tmp_path), platform="linux-x86_64")
    linker = NativeLinker(reader_for(target))
    assert linker.usable and "GLIBC" in linker.versions()
    libz = tmp_path / "app/needs_cpp.so"
    shutil.copy("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", libz)
    verdict = linker.load(str(libz))
    assert (verdict.status, verdict.name) == ("fail", "libgcc_s.so.1")
    empty = NativeLinker(LibraryReader(str(tmp_path / "app")))
    assert empty.load(str(inside)).status == "unknown"
