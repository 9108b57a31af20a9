"""Reads a file system from its root down: this machine's, or another one's below `--root`.

Everything is bounded, nothing blocks on a FIFO, and links of another root are followed inside it only.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from doctor.base.record import dataclass

MAX_TEXT = 256 * 1024
MAX_NAMES = 4096
MAX_LINKS = 40
NONBLOCK = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Tree:
    """A file system; `root` None or `/` is this machine's own. Paths given and returned begin at that root."""

    root: str | None = None

    @property
    def own(self) -> bool:
        """Whether this is the machine that we run on."""
        return self.root in (None, "", "/")

    def real(self, path: str) -> str | None:
        """`path` with every link resolved, below the root; None for a cycle or where it does not exist."""
        if self.own:
            try:
                return os.path.realpath(path, strict=True)
            except (OSError, ValueError):
                return None
        found = self._resolve(path)
        return found if found is not None and os.path.lexists(self.outside(found)) else None

    def outside(self, path: str) -> str:
        """`path` as this machine's own system calls must spell it (no links resolved)."""
        return path if self.own else os.path.join(str(self.root), path.lstrip("/"))

    def exists(self, path: str) -> bool:
        """Whether `path` leads to something."""
        return self.real(path) is not None

    def is_file(self, path: str) -> bool:
        """Whether `path` leads to a regular file."""
        found = self.real(path)
        return found is not None and Path(self.outside(found)).is_file()

    def text(self, path: str, limit: int = MAX_TEXT) -> str | None:
        """At most `limit` bytes of a regular file as text (UTF-8, what is not becomes `�`); None if unreadable."""
        data = self.data(path, limit)
        return None if data is None else data.decode("utf-8", "replace")

    def data(self, path: str, limit: int = MAX_TEXT) -> bytes | None:
        """At most `limit` bytes of a regular file; None if it cannot be read or is no regular file."""
        found = self.real(path)
        if found is None:
            return None
        try:
            number = os.open(self.outside(found), os.O_RDONLY | NONBLOCK)
        except (OSError, ValueError):
            return None
        with os.fdopen(number, "rb", buffering=0) as file:
            try:
                return _read(file.fileno(), limit) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
            except OSError:
                return None

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted, at most 4096; empty if it cannot be listed."""
        found = self.real(path)
        if found is None:
            return []
        try:
            with os.scandir(self.outside(found)) as entries:
                return sorted(entry.name for entry, _ in zip(entries, range(MAX_NAMES), strict=False))
        except (OSError, ValueError):
            return []

    def _resolve(self, path: str) -> str | None:
        todo, done, links = [p for p in reversed(path.split("/")) if p], "/", 0
        while todo:
            part = todo.pop()
            if part in (".", ".."):
                done = done.rpartition("/")[0] or "/" if part == ".." else done
                continue
            here = os.path.join(done, part)
            try:
                aim = os.readlink(self.outside(here))
            except (OSError, ValueError):
                done = here
                continue
            links += 1
            if links > MAX_LINKS:
                return None
            done = "/" if aim.startswith("/") else done
            todo.extend(p for p in reversed(aim.split("/")) if p)
        return done


def _read(number: int, limit: int) -> bytes:
    parts, left = [], limit
    while left > 0 and (part := os.read(number, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
