"""Where the dynamic loader would look for a library by name, in its order, without loading it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping

from doctor.base.files import Files

MAGIC = b"glibc-ld.so.cache1.1"
HEADER, ENTRY = 48, struct.Struct("<iIIIQ")
MAX_CACHE = 16 * 1024 * 1024
FLAGS_32BIT = 0x0003
DEFAULT_DIRS = (
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
    "/lib64", "/usr/lib64", "/lib", "/usr/lib",
)  # fmt: skip


def candidates(tree: Files, name: str, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """`(path, found_by)` of every file that `name` could become, the loader's choice first, no file twice.

    `found_by` is `LD_LIBRARY_PATH`, `ld.so.cache` or `default path`. 32-bit entries of the cache are left out.
    """
    found: dict[str, tuple[str, str]] = {}
    for path, source in _places(tree, name, environ):
        real = tree.found(path)
        if real is not None and tree.isfile(real):
            found.setdefault(real, (path, source))
    return list(found.values())


def cached(data: bytes, name: str) -> list[str]:
    """The paths that an `ld.so.cache` of these bytes holds for `name`; empty for anything malformed."""
    start = data.find(MAGIC, 0, 8 * 1024 * 1024)
    if start < 0 or len(data) < start + HEADER:
        return []
    count = int.from_bytes(data[start + 20 : start + 24], "little")
    room = (len(data) - start - HEADER) // ENTRY.size
    wanted = name.encode("utf-8", "surrogateescape")
    paths = []
    for index in range(min(count, room)):
        flags, key, value, _, _ = ENTRY.unpack_from(data, start + HEADER + index * ENTRY.size)
        if flags != FLAGS_32BIT and _string(data, start + key, len(wanted) + 1) == wanted:
            paths.append(_string(data, start + value, 4096).decode("utf-8", "replace"))
    return paths


def _string(data: bytes, offset: int, limit: int) -> bytes:
    return data[offset : offset + limit].split(b"\0", 1)[0]


def _places(tree: Files, name: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    listed = environ.get("LD_LIBRARY_PATH", "")
    for folder in listed.replace(";", ":").split(":") if listed else ():
        if folder.startswith("/") or tree.own:  # an empty entry is the working folder
            yield os.path.abspath(os.path.join(folder, name)), "LD_LIBRARY_PATH"
    for path in cached(tree.first("/etc/ld.so.cache", MAX_CACHE) or b"", name):
        yield path, "ld.so.cache"
    for folder in DEFAULT_DIRS:
        yield os.path.join(folder, name), "default path"
