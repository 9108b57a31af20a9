"""Files of the target opened safely: regular files only, of bounded size, and below `--root` where one is given."""

from __future__ import annotations

import os
import stat
from pathlib import PurePath

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO must not hold us
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_MAX_LINKS = 40  # as Linux has it


class Unreadable(ValueError):
    """A file that is there but cannot be used; the message is one sentence without the path."""


class Files:
    """The target's file system. Paths are this machine's; below `root`, where one is given, and never outside it."""

    def __init__(self, root: str | None = None) -> None:
        real = os.path.realpath(root) if root else None
        self.root = None if real == os.sep else real

    def inside(self, path: str) -> str:
        """An absolute path as the target itself writes it, as a path of this machine."""
        if self.root is None or path == self.root or path.startswith(self.root.rstrip(os.sep) + os.sep):
            return path
        anchor = PurePath(path).anchor
        clamped = os.path.normpath(os.sep + path[len(anchor) :].lstrip(os.sep))
        return os.path.normpath(os.path.join(self.root, clamped.lstrip(os.sep)))

    def real(self, path: str) -> str:
        """`path` with its symlinks followed, the way the target would follow them. A loop is left as it is."""
        if "\0" in path:
            return path
        if self.root is None:
            return os.path.realpath(path)
        return self._real_below(self.root, self.inside(path))

    def _real_below(self, root: str, path: str) -> str:
        todo = [p for p in path[len(root) :].split(os.sep) if p][::-1]
        done = root
        links = 0
        while todo:
            part = todo.pop()
            if part == os.curdir:
                continue
            if part == os.pardir:
                done = root if done == root else os.path.dirname(done)
                continue
            step = os.path.join(done, part)
            link = _link(step)
            links += link is not None
            if link is None or links > _MAX_LINKS:
                done = step
                continue
            if os.path.isabs(link):
                done = root
            todo.extend(p for p in link.split(os.sep)[::-1] if p)
        return done

    def _at(self, path: str) -> str:
        return path if self.root is None else self.real(path)

    def isdir(self, path: str) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(self._at(path))

    def isfile(self, path: str) -> bool:
        """Whether a regular file is there."""
        return os.path.isfile(self._at(path))

    def exists(self, path: str) -> bool:
        """Whether anything is there, symlinks followed."""
        return os.path.exists(self._at(path))

    def size(self, path: str) -> int | None:
        """The size of a regular file in bytes, None where there is none."""
        try:
            status = os.stat(self._at(path))
        except (OSError, ValueError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def changed_at(self, path: str) -> int | None:
        """When a file's inode last changed, in nanoseconds; None where that is not known (Windows, no such file)."""
        try:
            return None if os.name == "nt" else os.stat(self._at(path)).st_ctime_ns
        except (OSError, ValueError):
            return None

    def listdir(self, path: str) -> list[str]:
        """The names in a folder, in the order in which the system gives them; Unreadable where that fails."""
        try:
            return os.listdir(self._at(path))
        except (OSError, ValueError) as error:
            raise Unreadable(_sentence(error)) from None

    def names(self, path: str) -> list[str]:
        """As `listdir`, sorted; empty where the folder cannot be read."""
        try:
            return sorted(self.listdir(path))
        except Unreadable:
            return []

    def read(self, path: str, limit: int) -> bytes:
        """The content of a regular file of at most `limit` bytes; Unreadable otherwise."""
        try:
            handle = os.open(self._at(path), _FLAGS)
        except (OSError, ValueError) as error:
            raise Unreadable(_sentence(error)) from None
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("is not a regular file")
            if status.st_size > limit:
                raise Unreadable(f"is {status.st_size} bytes long, more than the {limit} that are read")
            return _read_all(handle, limit)
        except OSError as error:
            raise Unreadable(_sentence(error)) from None
        finally:
            os.close(handle)

    def head(self, path: str, size: int) -> bytes:
        """The first `size` bytes of a regular file; empty where there is none."""
        try:
            handle = os.open(self._at(path), _FLAGS)
        except (OSError, ValueError):
            return b""
        try:
            return os.read(handle, size) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
        except OSError:
            return b""
        finally:
            os.close(handle)

    def maybe(self, path: str, limit: int) -> bytes | None:
        """As `read`, None where there is no such file or it cannot be used."""
        try:
            return self.read(path, limit)
        except Unreadable:
            return None

    def text(self, path: str, limit: int) -> str | None:
        """As `maybe`, decoded; bytes that are not UTF-8 become replacement characters."""
        data = self.maybe(path, limit)
        return None if data is None else data.decode("utf-8-sig", "replace")


def _read_all(handle: int, limit: int) -> bytes:
    chunks = []
    left = limit + 1
    while left > 0 and (chunk := os.read(handle, min(left, 1 << 22))):
        chunks.append(chunk)
        left -= len(chunk)
    if left <= 0:
        raise Unreadable(f"grew beyond the {limit} bytes that are read")
    return b"".join(chunks) if len(chunks) != 1 else chunks[0]


def _link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except (OSError, ValueError):
        return None


def _sentence(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot be read ({reason[0].lower()}{reason[1:]})" if reason else "cannot be read"
