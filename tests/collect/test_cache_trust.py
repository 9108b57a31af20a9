"""What is remembered counts only where nobody else can have written it, and while the content is what was read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from doctor.base.owned import NotOurs, is_owned, read_owned, write_owned
from doctor.collect import cache
from doctor.facts import Natives

OTHER = 65534


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """An entry in a cache of two folders, and `file`, on which it depends."""
    path = tmp_path / "qvl-doctor/environments/entry.json"
    file = tmp_path / "file.py"
    file.write_text("a = 1\n")
    old(file)
    cache.load(path, Natives)
    cache.save(path, Natives(()), {str(file): stamp(file)})
    assert cache.load(path, Natives) == Natives(())
    return path


def old(file: Path) -> None:
    """Waits until the clock of the file system has gone on."""
    while time.time_ns() - file.stat().st_ctime_ns < 2 * cache.TICK:
        time.sleep(0.005)


def stamp(file: Path) -> tuple[int, int]:
    return file.stat().st_mtime_ns, file.stat().st_size


def _group_writable(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o020)


def _linked(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def _given_away(path: Path) -> None:
    if os.getuid():
        pytest.skip("needs root to give a file to another user")
    os.chown(path, OTHER, OTHER)


SPOILED: dict[str, Callable[[Path], None]] = {
    "entry others may write": _group_writable,
    "folder others may write": lambda p: _group_writable(p.parent),
    "upper folder others may write": lambda p: _group_writable(p.parent.parent),
    "entry is a link": _linked,
    "entry of another": _given_away,
    "folder of another": lambda p: _given_away(p.parent),
    "upper folder of another": lambda p: _given_away(p.parent.parent),
    "entry is a FIFO": lambda p: (p.unlink(), os.mkfifo(p))[1],
    "entry is nested": lambda p: p.write_bytes(b"[" * 100_000) and None,
    "entry has other types": lambda p: p.write_text('{"asked": 5, "seen": {"/": 5}, "made": []}') and None,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_an_entry_that_others_could_have_written_is_nothing(kept: Path, spoil: Callable[[Path], None]) -> None:
    spoil(kept)
    assert cache.load(kept, Natives) is None


def test_an_edit_that_keeps_size_and_time_is_seen(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    before = file.stat()
    file.write_text("b = 1\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert stamp(file) == (before.st_mtime_ns, before.st_size)
    assert cache.load(kept, Natives) is None


def test_another_file_in_its_place_is_seen(kept: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "file.py", tmp_path / "other.py"
    other.write_text("b = 1\n")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)
    assert cache.load(kept, Natives) is None


def test_nothing_is_kept_of_a_file_that_changed_while_it_was_read(tmp_path: Path) -> None:
    path, file = tmp_path / "qvl-doctor/environments/entry.json", tmp_path / "file.py"
    file.write_text("a = 1\n")
    old(file)
    seen = {str(file): stamp(file)}
    cache.load(path, Natives)  # the reading begins
    file.write_text("b = 1\n")
    os.utime(file, ns=(seen[str(file)][0], seen[str(file)][0]))
    assert stamp(file) == seen[str(file)]
    cache.save(path, Natives(()), seen)
    assert not path.exists()


@pytest.mark.parametrize("was_there", [True, False])
def test_nothing_is_kept_of_a_file_that_came_or_went_meanwhile(was_there: bool, tmp_path: Path) -> None:
    path, file = tmp_path / "qvl-doctor/environments/entry.json", tmp_path / "file.py"
    file.write_text("a = 1\n")
    old(file)
    seen = {str(file): stamp(file) if was_there else None}
    cache.load(path, Natives)
    if was_there:
        file.unlink()
    cache.save(path, Natives(()), seen)
    assert cache.load(path, Natives) is None


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_what_is_written_is_for_this_user_alone(mask: int, tmp_path: Path) -> None:
    path, before = tmp_path / "a/b/c", os.umask(mask)
    try:
        write_owned(path, b"x", 2)
    finally:
        os.umask(before)
    assert read_owned(path, 10) == b"x" and is_owned(path)
    assert [p.stat().st_mode & 0o777 for p in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]
    path.chmod(0o666)
    assert not is_owned(path)
    with pytest.raises(NotOurs):
        read_owned(path, 10)
