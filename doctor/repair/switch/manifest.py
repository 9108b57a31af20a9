"""What two environments were when a repair was committed, file by file: what a user did to them since shows against it.

Kept inside the new environment, so that it comes and goes with it in one step. It holds nothing that differs from one
run to the next. An entry is the mode and, for a file, its size and the sha256 of its bytes; `?` before a sha256 says
that RECORD gives it for a large shared file of that size, whose bytes were not read. Byte code does not count: Python
writes it whenever a module is used.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from contextlib import suppress

from doctor.base.opening import first_bytes
from doctor.base.record import dataclass
from doctor.repair.switch.apart import LARGE
from doctor.repair.switch.digest import hash_file
from doctor.repair.switch.journal import MARK, write_bytes_durably

FILES = ".qvl-doctor.files"
Entries = dict[str, bytes]
_LARGEST = 256 << 20
_HEAD = b"qvl-doctor files 1\n"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Relative path -> entry, of the environment `before` a repair and of the one that it made (`after`)."""

    before: Entries
    after: Entries


def counts(path: str) -> bool:
    """Whether a file or folder belongs to what is compared."""
    return path not in (MARK, FILES) and not path.endswith("__pycache__")


def entry_of(path: str, at: os.stat_result, digest: bytes | None = None, claimed: str | None = None) -> bytes:
    """The entry of one file, folder or link; `digest` where its bytes were read, `claimed` where RECORD tells them."""
    mode = b"%o" % at.st_mode
    if stat.S_ISLNK(at.st_mode):
        return mode + b" " + os.fsencode(os.readlink(path))
    if not stat.S_ISREG(at.st_mode):
        return mode
    if digest is None and claimed is not None:
        return b"%s %d ?%s" % (mode, at.st_size, claimed.encode())
    return b"%s %d %s" % (mode, at.st_size, (hash_file(path) if digest is None else digest).hex().encode())


def write_manifest(tree: str, manifest: Manifest) -> str:
    """Into the environment; gives its digest."""
    gone = {p: b"" for p in manifest.after if p not in manifest.before}
    other = {p: e for p, e in manifest.before.items() if manifest.after.get(p) != e}
    parts = [_HEAD, *_packed(manifest.after), b"\0", *_packed({**other, **gone})]
    data = zlib.compress(b"".join(parts), 1)
    write_bytes_durably(os.path.join(tree, FILES), data)
    return hashlib.sha256(data).hexdigest()


def read_manifest(tree: str, digest: str) -> Manifest | None:
    """None where it is missing or not the one of `digest`."""
    with suppress(OSError, ValueError, zlib.error):
        data = first_bytes(os.path.join(tree, FILES), _LARGEST, follow=False)
        text = zlib.decompressobj().decompress(data, _LARGEST)
        if hashlib.sha256(data).hexdigest() == digest and text.startswith(_HEAD):
            fields = text[len(_HEAD) :].split(b"\0")
            middle = fields[::2].index(b"") * 2
            after, other = _unpacked(fields[:middle]), _unpacked(fields[middle + 1 : -1])
            return Manifest({p: e for p, e in {**after, **other}.items() if e}, after)
    return None


def differences(tree: str, entries: Entries, since: int) -> list[str]:
    """The paths that are not what they were, sorted.

    Every file is read, but for large ones that nothing has touched since the moment `since` (nanoseconds): the time of
    the last change of an inode is the kernel's own, and no program sets it.
    """
    seen: set[str] = set()
    out = []
    for path, at in walk(tree):
        seen.add(path)
        was = entries.get(path)
        if was is None or not _same(os.path.join(tree, path), at, was, since):
            out.append(path)
    return sorted([*out, *(p for p in entries if p not in seen)])


def walk(tree: str, relative: str = "") -> list[tuple[str, os.stat_result]]:
    """Every path that counts, with its status, folders before what they hold."""
    out = []
    with os.scandir(os.path.join(tree, relative) if relative else tree) as found:
        entries = list(found)
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if counts(path):
            at = entry.stat(follow_symlinks=False)
            out.append((path, at))
            if stat.S_ISDIR(at.st_mode):
                out += walk(tree, path)
    return out


def _same(path: str, at: os.stat_result, was: bytes, since: int) -> bool:
    if not stat.S_ISREG(at.st_mode):
        return entry_of(path, at) == was
    start = b"%o %d " % (at.st_mode, at.st_size)
    if not was.startswith(start):
        return False
    if at.st_size >= LARGE and at.st_ctime_ns < since:
        return True
    with suppress(OSError):
        return hash_file(path).hex().encode() == was[len(start) :].lstrip(b"?")
    return False


def _packed(entries: Entries) -> list[bytes]:
    return [os.fsencode(path) + b"\0" + entry + b"\0" for path, entry in sorted(entries.items())]


def _unpacked(fields: list[bytes]) -> Entries:
    return {os.fsdecode(path): entry for path, entry in zip(fields[::2], fields[1::2], strict=True)}
