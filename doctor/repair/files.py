"""Reading files of an environment that nobody vouches for: bounded, and never waiting for a pipe."""

from __future__ import annotations

import errno
import os
import stat


def read_file(path: str, limit: int) -> bytes:
    """At most `limit` bytes of a regular file, links followed. Raises OSError for anything else."""
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return file.read(limit)


def read_text(path: str, limit: int) -> str:
    """The same as text; what is not UTF-8 is kept as lone surrogates."""
    return read_file(path, limit).decode("utf-8", "surrogateescape")
