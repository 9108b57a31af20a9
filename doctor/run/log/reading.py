"""Reading a log whose middle may have been given up: every reader here skips holes, so that no zeros are shown."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

BLOCK = 1 << 16


def extents(fd: int, size: int) -> list[tuple[int, int]]:
    """The parts of a file that hold data, as (start, end); the whole file where the system cannot tell."""
    if not hasattr(os, "SEEK_DATA"):
        return [(0, size)] if size else []
    out: list[tuple[int, int]] = []
    at = 0
    try:
        while at < size and len(out) < 64:
            start = os.lseek(fd, at, os.SEEK_DATA)
            at = min(os.lseek(fd, start, os.SEEK_HOLE), size)
            out.append((start, at))
    except OSError as e:
        if e.errno != errno.ENXIO:  # no data after `at` is no error; anything else means: cannot tell
            return [(0, size)] if size else []
    return out


def read_ends(path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]:
    """The first `head` and the last `tail` bytes that are there, holes left out, and the bytes in neither of them."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        parts = extents(file.fileno(), size)
        if sum(b - a for a, b in parts) <= head + tail:
            whole = b"".join(chunks(file.fileno(), parts))
            return whole[:head], whole[head:], size - len(whole)
        first = b"".join(chunks(file.fileno(), _first(parts, head)))
        last = b"".join(chunks(file.fileno(), _last(parts, tail)))
        return first, last, size - len(first) - len(last)


class Whole:
    """What is there of one log, from its first byte to its last, as a stream; a hole becomes the end of a line.

    Raises OSError where the log cannot be opened or read.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        size = os.fstat(self._file.fileno()).st_size
        self._parts = extents(self._file.fileno(), size)
        self._at = 0

    def __enter__(self) -> Whole:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        while self._parts:
            start, end = self._parts[0]
            at = max(start, self._at)
            if at >= end:
                self._parts.pop(0)
                if self._parts:
                    return b"\n"
                break
            self._file.seek(at)
            block = self._file.read(min(size, end - at)) or b""
            if not block:
                break  # the log was cut while it was read
            self._at = at + len(block)
            kept = self._trimmed(block, at == start > 0, self._at == end and len(self._parts) > 1)
            if kept:
                return kept
        return b""

    @staticmethod
    def _trimmed(block: bytes, after_hole: bool, before_hole: bool) -> bytes:
        """Without the zeros that fill up the blocks of the disk beside a hole."""
        block = block.lstrip(b"\0") if after_hole else block
        return block.rstrip(b"\0") if before_hole else block


def chunks(fd: int, parts: list[tuple[int, int]]) -> Iterator[bytes]:
    """The bytes of these parts in blocks of at most 64 KiB."""
    for start, end in parts:
        os.lseek(fd, start, os.SEEK_SET)
        while start < end and (block := os.read(fd, min(BLOCK, end - start))):
            start += len(block)
            yield block


def _first(parts: list[tuple[int, int]], want: int) -> list[tuple[int, int]]:
    out = []
    for a, b in parts:
        if want <= 0:
            break
        out.append((a, min(b, a + want)))
        want -= b - a
    return out


def _last(parts: list[tuple[int, int]], want: int) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for a, b in reversed(parts):
        if want <= 0:
            break
        out.insert(0, (max(a, b - want), b))
        want -= b - a
    return out
