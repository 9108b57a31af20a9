"""Files opened for reading, none of which can hold us up: no FIFO is waited for, no size is believed.

What stands below another root is read through `doctor.base.files.Files`; here paths are this machine's.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from doctor.base.late import late_pattern

if TYPE_CHECKING:
    import mmap

_READ = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO must not hold us
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BLOCK = 1 << 22


_HANDED_ON = late_pattern(r"/dev/stdin|/(?:dev|proc/self)/fd/\d{1,9}")


class NotRegular(OSError):
    """Something of that name is there, and it is no regular file."""


def open_any(path: str | os.PathLike[str]) -> int:
    """A descriptor of a file, a folder or a device. Raises OSError, and ValueError for a NUL in `path`."""
    return os.open(path, _READ)


def is_handed_on(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a pipe that a shell gave this process, as `<(command)` does: waiting for it is meant."""
    try:
        return bool(_HANDED_ON.fullmatch(os.fspath(path))) and stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def open_regular(path: str | os.PathLike[str], *, follow: bool = True) -> tuple[int, os.stat_result]:
    """A descriptor of a regular file and its status. Raises NotRegular or another OSError; ValueError for a NUL.

    `follow`: whether `path` itself may be a symbolic link.
    """
    handle = os.open(path, _READ if follow else _READ | _NO_LINK)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular(errno.EINVAL, "not a regular file", os.fspath(path))
    except BaseException:
        os.close(handle)
        raise
    return handle, status


def read_up_to(handle: int, limit: int, size: int | None = None) -> bytes:
    """What is left in an open file, at most `limit` bytes. Raises OSError.

    `size` is what a regular file's status says that it has: one read of a little more tells that this was all.
    """
    if size is not None and size < limit:
        found = os.read(handle, size + 1)
        return found if len(found) == size else found + read_up_to(handle, limit - len(found))
    chunks = []
    while limit > 0 and (chunk := os.read(handle, min(limit, _BLOCK))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks) if len(chunks) != 1 else chunks[0]


def first_bytes(path: str | os.PathLike[str], limit: int, *, follow: bool = True) -> bytes:
    """The first `limit` bytes of a regular file, or all that it has. Raises OSError; ValueError for a NUL."""
    handle, _ = open_regular(path, follow=follow)
    try:
        return read_up_to(handle, limit)
    finally:
        os.close(handle)


def first_text(path: str | os.PathLike[str], limit: int) -> str:
    """The same as text; what is not UTF-8 is kept as lone surrogates, so that it can be written again."""
    return first_bytes(path, limit).decode("utf-8", "surrogateescape")


def system_bytes(path: str | os.PathLike[str], limit: int) -> bytes | None:
    """At most `limit` bytes of a file below `/proc` or `/sys`, None where it cannot be read. Made for many a second."""
    try:
        handle = os.open(path, _READ)
    except (OSError, ValueError):
        return None
    try:
        block = data = os.read(handle, limit)
        while block and len(data) < limit and len(block) >= 1024:  # one read gives a short file whole
            block = os.read(handle, limit - len(data))
            data += block
        return data
    except OSError:
        return None
    finally:
        os.close(handle)


def mapped(path: str | os.PathLike[str]) -> mmap.mmap | bytes:
    """A regular file as memory, read as it is touched. Raises NotRegular or another OSError; ValueError for a NUL."""
    import mmap

    handle, status = open_regular(path)
    try:
        return mmap.mmap(handle, 0, access=mmap.ACCESS_READ) if status.st_size else b""
    finally:
        os.close(handle)
