"""What tells whether an environment is still what it was: content wherever size, time or inode can lie."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from doctor.repair.switch.clone import clone_tree, entries_of
from doctor.repair.switch.journal import Mark, write_mark
from doctor.repair.switch.manifest import FILES, Manifest, read_manifest, write_manifest
from doctor.repair.switch.recover import changed_since

BINARY = b"\x7fELF\0" + b"x" * (2 << 20)


def committed(folder: Path) -> tuple[Path, Path]:
    """An old environment with one small and one large file, and a clone of it as a repair commits it."""
    old, new = folder / "old", folder / "new"
    (old / "inner/__pycache__").mkdir(parents=True)
    (old / "lib.so").write_bytes(BINARY)
    (old / "inner/a.py").write_text("x = 1\n")
    (old / "new\nline \udcff").write_text("")
    (old / "link").symlink_to("inner/a.py")
    claims = {"lib.so": (hashlib.sha256(BINARY).hexdigest(), len(BINARY))}
    clone = clone_tree(str(old), str(new), claims)
    (new / "inner/b.py").write_text("y = 1\n")
    time.sleep(0.02)
    digest = write_manifest(str(new), Manifest(clone.files, entries_of(str(new), clone)))
    write_mark(str(new), Mark("0" * 12, {}, digest))
    assert (new / "lib.so").samefile(old / "lib.so") and not (new / "inner/a.py").samefile(old / "inner/a.py")
    return old, new


def both(old: Path, new: Path) -> tuple[list[str] | None, list[str] | None]:
    """What differs in the new and in the old one."""
    return changed_since(str(new)), changed_since(str(new), str(old))


def same_size(path: Path, at: int, byte: bytes) -> None:
    """Writes into a file; its size and time stay."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(byte)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_nothing_changed(tmp_path: Path) -> None:
    old, new = committed(tmp_path)
    (new / "inner/__pycache__/a.pyc").write_bytes(b"")
    assert both(old, new) == ([], [])


def test_same_size_and_time(tmp_path: Path) -> None:
    old, new = committed(tmp_path)
    same_size(new / "inner/a.py", 4, b"2")
    assert both(old, new) == (["inner/a.py"], [])
    same_size(old / "inner/a.py", 4, b"3")
    assert both(old, new) == (["inner/a.py"], ["inner/a.py"])


def test_a_shared_file_is_read_when_its_inode_was_touched(tmp_path: Path) -> None:
    old, new = committed(tmp_path)
    os.link(new / "lib.so", tmp_path / "another name")
    assert both(old, new) == ([], []), "touched, and the same"
    same_size(new / "lib.so", 1 << 20, b"y")
    assert both(old, new) == (["lib.so"], ["lib.so"])


def test_the_same_bytes_in_another_inode(tmp_path: Path) -> None:
    old, new = committed(tmp_path)
    for tree in (old, new):
        (tree / "lib.so").unlink()
        (tree / "lib.so").write_bytes(BINARY)
    assert both(old, new) == ([], [])


def test_added_removed_and_another_mode(tmp_path: Path) -> None:
    old, new = committed(tmp_path)
    (new / "mine.py").write_text("")
    (new / "inner/b.py").unlink()
    (new / "link").unlink()
    (new / "link").symlink_to("elsewhere")
    (old / "inner/a.py").chmod(0o600)
    assert both(old, new) == (["inner/b.py", "link", "mine.py"], ["inner/a.py"])


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_manifest_that_is_not_the_one_tells_nothing(tmp_path: Path, damage: bytes | None) -> None:
    old, new = committed(tmp_path)
    kept = (new / FILES).read_bytes()
    (new / FILES).write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]) if damage is None else damage)
    assert both(old, new) == (None, None)
    assert read_manifest(str(new), hashlib.sha256((new / FILES).read_bytes()).hexdigest()) is None
