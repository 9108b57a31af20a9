"""Puts the files of one environment into another so that an edit in one does not show in the other.

Where the file system can (Btrfs, XFS, bcachefs ...), two files share their blocks until one is written to (FICLONE of
ioctl_ficlone(2)). Elsewhere files are copied, but for large binaries (shared libraries, GPU code), which nobody edits:
those are hard links, and they are counted so that it can be said.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import shutil
import stat

from doctor.base.new_files import create_private
from doctor.base.opening import open_regular
from doctor.base.record import dataclass
from doctor.repair.errors import Refused

LARGE = 1 << 20  # bytes from which a binary is shared
_HEAD = 1 << 13
_CHUNK = 1 << 20
_EDITED = (b"SQLite format 3\0",)  # binary, and written to in place by those who use it
_OTHER_NUMBERS = ("ppc", "mips", "sparc")  # machines that number their requests to devices otherwise
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_NO_CLONES = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.ENOSYS, errno.EPERM)
_NO_LINK = (errno.EPERM, errno.EMLINK, errno.EXDEV, errno.EOPNOTSUPP, errno.EACCES)


@dataclass(frozen=True, slots=True)
class Shared:
    """Files that two environments share by hard links: how many, and their bytes."""

    files: int = 0
    size: int = 0


class Copier:
    """Makes the files of one environment; counts what it has to share."""

    def __init__(self) -> None:
        self._shared: dict[tuple[int, int], int] = {}
        self._clones = True  # until the file system says no

    @property
    def shared(self) -> Shared:
        """What is shared so far, each file once."""
        return Shared(len(self._shared), sum(self._shared.values()))

    def put(self, source: str, target: str, at: os.stat_result) -> bytes | None:
        """Makes `target` what `source`, of status `at`, is; the sha256 of its bytes where they were read, else None.

        Raises OSError; Refused for what is neither a file nor a link.
        """
        if not stat.S_ISREG(at.st_mode):
            _link_or_copy(source, target, at)
            return None
        handle, now = open_regular(source, follow=False)
        try:
            return self.copy(handle, target, now, source)
        finally:
            os.close(handle)

    def copy(self, handle: int, target: str, at: os.stat_result, source: str | None = None) -> bytes | None:
        """As `put`, of an open file; without the path of its `source` it is never shared."""
        made = create_private(target)
        try:
            cloned = self._cloned(handle, made)
            if not cloned and source is not None and is_large_binary(handle, at.st_size):
                os.unlink(target)
                if self._linked(source, target, at):
                    return None
                return self.copy(handle, target, at)
            digest = None if cloned and at.st_size >= LARGE else _read_through(handle, None if cloned else made)
            _same_status(handle, made, at)
            return digest
        finally:
            os.close(made)

    def _cloned(self, handle: int, made: int) -> bool:
        """Whether the new file has the blocks of the old one; not asked again where the file system cannot."""
        if not self._clones:
            return False
        try:
            clone_range(handle, made)
        except OSError as error:
            if error.errno in _FULL:
                raise
            self._clones = error.errno not in _NO_CLONES
            return False
        return True

    def _linked(self, source: str, target: str, at: os.stat_result) -> bool:
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:  # another's file where links are protected, or too many links
            if error.errno not in _NO_LINK:
                raise
            return False
        self._shared[at.st_dev, at.st_ino] = at.st_size
        return True


def is_large_binary(handle: int, size: int) -> bool:
    """Whether an open file is one that may be shared: large, with NUL bytes at its beginning, and no database."""
    if size < LARGE:
        return False
    head = os.pread(handle, _HEAD, 0)
    return b"\0" in head and not head.startswith(_EDITED)


def clone_range(source: int, target: int) -> None:
    """Gives the open file `target` the blocks of `source`. Raises OSError where that is impossible."""
    import fcntl

    fcntl.ioctl(target, 0x80049409 if platform.machine().startswith(_OTHER_NUMBERS) else 0x40049409, source)


def separated(path: str) -> bool:
    """Gives a file that has other names (uv links from its cache) a body of its own, unless it may be shared.

    Raises OSError. True where it was shared and is not any more.
    """
    handle, at = open_regular(path, follow=False)
    try:
        if at.st_nlink == 1 or is_large_binary(handle, at.st_size):
            return False
        beside = f"{path}.qvl-tmp"
        Copier().copy(handle, beside, at)
        os.rename(beside, path)
        return True
    finally:
        os.close(handle)


def _read_through(handle: int, made: int | None) -> bytes:
    """The sha256 of an open file, its bytes written to `made` on the way."""
    seen = hashlib.sha256()
    while block := os.read(handle, _CHUNK):
        seen.update(block)
        view = memoryview(block)
        while made is not None and view:
            view = view[os.write(made, view) :]
    return seen.digest()


def _same_status(source: int, made: int, at: os.stat_result) -> None:
    """Owner, mode, times, and the labels and access lists that some systems keep."""
    if os.geteuid() == 0 and (at.st_uid, at.st_gid) != (0, 0):
        os.chown(made, at.st_uid, at.st_gid)
    os.fchmod(made, stat.S_IMODE(at.st_mode))
    for name in os.listxattr(source) if hasattr(os, "listxattr") else ():
        try:
            os.setxattr(made, name, os.getxattr(source, name))
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENODATA, errno.EINVAL):
                raise
    os.utime(made, ns=(at.st_atime_ns, at.st_mtime_ns))


def _link_or_copy(source: str, target: str, at: os.stat_result) -> None:
    """A symbolic link or a socket cannot be edited: both environments may have the very same one."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        if not stat.S_ISLNK(at.st_mode):
            raise Refused(f"`{source}` is neither a file, a folder nor a symbolic link") from None
        shutil.copy2(source, target, follow_symlinks=False)
