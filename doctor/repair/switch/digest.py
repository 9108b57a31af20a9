"""What a changed environment was when it was committed, as one digest: told apart from what a user did to it since."""

from __future__ import annotations

import hashlib
import os
import stat

from doctor.base.opening import open_regular
from doctor.repair.switch.journal import MARK

_CHUNK = 1 << 20


def tree_digest(tree: str, before: str) -> str:
    """The digest of `tree`, in which files that are the very ones of `before` (one inode) count by name alone.

    So it costs the reading of what was changed and no more. Byte code (`__pycache__`) does not count: Python writes it
    whenever a module is used. The mark does not count either: it holds this digest.
    """
    out = hashlib.sha256()
    one_disk = os.stat(tree).st_dev == os.stat(before).st_dev
    _add(tree, before if one_disk else None, "", out)
    return out.hexdigest()


def _add(tree: str, before: str | None, relative: str, out: hashlib._Hash) -> None:
    there = _inodes(before) if before else {}
    with os.scandir(tree) as found:
        entries = sorted(found, key=lambda e: e.name)
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if entry.name == "__pycache__" or path == MARK:
            continue
        out.update(os.fsencode(path) + b"\0")
        if not entry.is_dir(follow_symlinks=False) and there.get(entry.name) == entry.inode():
            out.update(b"=")
            continue
        at = entry.stat(follow_symlinks=False)
        out.update(b"%o\0" % at.st_mode)
        if stat.S_ISDIR(at.st_mode):
            inner = f"{before}/{entry.name}" if before and entry.name in there else None
            _add(entry.path, inner, path, out)
        elif stat.S_ISLNK(at.st_mode):
            out.update(os.fsencode(os.readlink(entry.path)))
        elif stat.S_ISREG(at.st_mode):
            out.update(hash_file(entry.path))


def _inodes(folder: str) -> dict[str, int]:
    """Name -> inode, as the folder itself lists them; empty where it is none."""
    try:
        with os.scandir(folder) as found:
            return {e.name: e.inode() for e in found}
    except OSError:
        return {}


def hash_file(path: str) -> bytes:
    """The sha256 of a file's bytes; links are not followed."""
    out = hashlib.sha256()
    handle, _ = open_regular(path, follow=False)
    with open(handle, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            out.update(chunk)
    return out.digest()
