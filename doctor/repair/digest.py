"""What a changed environment was when it was committed, as one digest: told apart from what a user did to it since."""

from __future__ import annotations

import hashlib
import os
import stat

from doctor.repair.journal import MARK

_CHUNK = 1 << 20


def tree_digest(tree: str, before: str) -> str:
    """The digest of `tree`, in which files that are the very ones of `before` (one inode) count by name alone.

    So it costs the reading of what was changed and no more. Byte code (`__pycache__`) does not count: Python writes it
    whenever a module is used. The mark does not count either: it holds this digest.
    """
    out = hashlib.sha256()
    _add(tree, before, "", out)
    return out.hexdigest()


def _add(tree: str, before: str, relative: str, out: hashlib._Hash) -> None:
    folder = os.path.join(tree, relative)
    for name in sorted(os.listdir(folder)):
        path = os.path.join(relative, name)
        if name == "__pycache__" or path == MARK:
            continue
        full = os.path.join(tree, path)
        at = os.lstat(full)
        out.update(os.fsencode(path) + b"\0" + oct(at.st_mode).encode() + b"\0")
        if stat.S_ISDIR(at.st_mode):
            _add(tree, before, path, out)
        elif stat.S_ISLNK(at.st_mode):
            out.update(os.fsencode(os.readlink(full)))
        elif stat.S_ISREG(at.st_mode):
            out.update(b"=" if _same(at, os.path.join(before, path)) else hash_file(full))


def _same(at: os.stat_result, other: str) -> bool:
    try:
        there = os.lstat(other)
    except OSError:
        return False
    return (at.st_dev, at.st_ino) == (there.st_dev, there.st_ino)


def hash_file(path: str) -> bytes:
    """The sha256 of a file's bytes; links are not followed."""
    out = hashlib.sha256()
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            out.update(chunk)
    return out.digest()
