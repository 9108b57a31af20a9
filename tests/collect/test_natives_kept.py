"""Kept verdicts: the same as worked out anew, and gone as soon as anything they rest on changes."""

from __future__ import annotations

import os
import shutil
import sysconfig
import time
from pathlib import Path

import pytest
from elf_builder import built_library, extension_modules

from doctor.collect import cache
from doctor.collect.native.libraries import LibraryReader
from doctor.collect.native.natives import collect_natives
from doctor.facts import Distribution, Distributions, Natives, Target
from doctor.link.loader.natives import NativeLinker, judged

pytestmark = pytest.mark.skipif(not extension_modules() or shutil.which("gcc") is None, reason="needs gcc and Linux")


@pytest.fixture
def environment(tmp_path: Path) -> tuple[Target, Distributions, Path]:
    """A search path entry with one distribution: a real module of this Python, and a library."""
    site = tmp_path / "site"
    (site / "pkg").mkdir(parents=True)
    for module in extension_modules(3):
        shutil.copy(module, site / "pkg" / module.name)
    library = built_library(tmp_path)
    assert library is not None
    shutil.move(library, site / "pkg/librich.so")
    info = site / "pkg-1.dist-info"
    info.mkdir()
    names = sorted(p.name for p in (site / "pkg").iterdir())
    (info / "RECORD").write_text("".join(f"pkg/{n},sha256=x,1\n" for n in names))
    time.sleep(0.05)  # nothing is kept of a file that changed within a tick of the clock
    python = ".".join(sysconfig.get_python_version().split(".")[:2])
    target = Target("installed", "test", python=python, paths=(str(site),), platform=sysconfig.get_platform())
    return target, Distributions((Distribution("pkg", "pkg", "1", str(site), str(info), top_level=("pkg",)),)), site


def look(target: Target, distributions: Distributions) -> tuple[LibraryReader, Natives]:
    reader = LibraryReader()
    natives = collect_natives(target, distributions, ["pkg"], reader)
    assert isinstance(natives, Natives)
    return reader, judged(natives, NativeLinker(reader, target.paths), distributions)


def test_kept_and_recalled(environment: tuple[Target, Distributions, Path], tmp_path: Path) -> None:
    target, distributions, _ = environment
    reader, natives = look(target, distributions)
    assert len(natives.libraries) == 4 and sum(lib.module is not None for lib in natives.libraries) == 3
    assert all(lib.verdict is None or lib.verdict.status == "ok" for lib in natives.libraries)
    assert cache.load(tmp_path / "kept.json", Natives) is None
    cache.save(tmp_path / "kept.json", natives, reader.seen)
    assert cache.load(tmp_path / "kept.json", Natives) == natives


@pytest.mark.parametrize("change", ["touched", "removed", "replaced", "record"])
def test_any_change_is_noticed(change: str, environment: tuple[Target, Distributions, Path], tmp_path: Path) -> None:
    target, distributions, site = environment
    reader, natives = look(target, distributions)
    cache.save(tmp_path / "kept.json", natives, reader.seen)
    victim = site / natives.libraries[0].path
    if change == "touched":
        os.utime(victim, ns=(1, 1))
    elif change == "removed":
        victim.unlink()
    elif change == "replaced":
        (tmp_path / "copy").write_bytes(victim.read_bytes())
        (tmp_path / "copy").replace(victim)
    else:
        (site / "pkg-1.dist-info/RECORD").write_text("")
    assert cache.load(tmp_path / "kept.json", Natives) is None


def test_a_library_that_appears_on_the_search_path_is_noticed(tmp_path: Path) -> None:
    """What was looked for and not found counts as much as what was found."""
    site = tmp_path / "site"
    (site / "libs").mkdir(parents=True)
    reader = LibraryReader(library_path=[str(site / "libs")])
    verdict = NativeLinker(reader).load("libnot_there_yet.so.1")
    assert verdict.kind == "missing-library"
    cache.save(tmp_path / "kept.json", Natives(()), reader.seen)
    assert cache.load(tmp_path / "kept.json", Natives) == Natives(())
    shutil.copy(extension_modules(1)[0], site / "libs/libnot_there_yet.so.1")
    assert cache.load(tmp_path / "kept.json", Natives) is None


def test_without_a_record_the_folders_are_gone_through(environment: tuple[Target, Distributions, Path]) -> None:
    target, distributions, site = environment
    _, listed = look(target, distributions)
    (site / "pkg-1.dist-info/RECORD").unlink()
    reader, walked = look(target, distributions)
    assert {lib.path for lib in walked.libraries} == {lib.path for lib in listed.libraries}
    assert str(site / "pkg") in reader.seen


def test_odd_records(environment: tuple[Target, Distributions, Path]) -> None:
    target, distributions, site = environment
    record = site / "pkg-1.dist-info/RECORD"
    for line in ("../../../etc/evil.so,,\n", "/etc/evil.so,,\n", "pkg/" + "a" * 9000 + ".so,,\n", "\0.so,,\n",
                 "pkg/gone.so,,\n", "pkg,,\n", '"pkg/with, comma.so",,\n'):  # fmt: skip
        record.write_text(line * 3)
        assert look(target, distributions)[1].libraries == ()
