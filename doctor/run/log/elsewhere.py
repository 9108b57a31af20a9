"""Where a log continues while its disk is full: a file of the same offsets, in the first other place that has room.

The server goes on writing into the log that it has; what is older moves, so that there is space for what comes. At the
end everything goes back, or, where it still does not fit, the whole log is completed here and the run folder gets a
link to it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from doctor.base.new_files import create_private
from doctor.run.log.logfile import Log
from doctor.run.log.overflow import FOLDER, is_ours, places
from doctor.run.log.reading import extents
from doctor.run.log.reserve import Reserve, can_punch
from doctor.run.story import creation
from doctor.run.watch.system_calls import KEEP_SIZE, PUNCH_HOLE, fallocate

ROOM = 64 << 20
LITTLE = 4 << 20
BLOCK = 1 << 20
SEARCHED = 0.5  # seconds between two looks for what another process may have made
ATTEMPTS = 8


class Elsewhere:
    """The part of one log that its own disk has no room for, at most `cap` bytes; `fd` is -1 while there is none."""

    def __init__(self, log: Log, cap: int) -> None:
        self.log, self.cap, self.fd = log, cap, -1
        self._bound: Reserve | None = None
        self.path: Path | None = None
        self._useless = False
        self._searched = 0.0

    def keep(self, start: int, end: int) -> bool:
        """Copies these bytes of the log; False where no place takes them."""
        steps = ((at, min(BLOCK, end - at)) for at in range(start, end, BLOCK))
        return all(self.put(os.pread(self.log.fd, count, at), at) for at, count in steps)

    def put(self, data: bytes, at: int) -> bool:
        """Keeps bytes that belong to this offset of the log; False where no place takes them."""
        if self.fd < 0 and not self._useless and not self.find():
            self._useless = not self._make()
        if self._useless:
            return False
        try:
            if self._bound:
                self._bound.bound(at + len(data))
            while data:
                done = os.pwrite(self.fd, data, at)
                data, at = data[done:], at + done
        except OSError:
            self._useless = True
        return not self._useless

    def read(self, at: int, count: int) -> bytes:
        """The bytes that are kept here from this offset on, none where there are none."""
        if self.fd < 0 and (time.monotonic() - self._searched < SEARCHED or not self.find()):
            return b""
        try:
            start = os.lseek(self.fd, at, os.SEEK_DATA)
            end = os.lseek(self.fd, at, os.SEEK_HOLE)
        except OSError:
            return b""
        return os.pread(self.fd, min(count, end - at), at) if start == at else b""

    def find(self) -> bool:
        """Opens what another process of this run has made, if it has."""
        self._searched = time.monotonic()
        for path in places(self.log.path):
            if is_ours(path):
                with contextlib.suppress(OSError):
                    file = path.open("r+b", buffering=0)
                    self.path, self.fd = path, os.dup(file.fileno())
                    file.close()
                    return True
        return False

    def _make(self) -> bool:
        for folder in _folders(self.log):
            with contextlib.suppress(OSError):
                path = folder / self.log.path.name
                self.fd, self.path = create_private(path), path
                self._bound = Reserve(Log(path, self.fd), self.cap)
                if can_punch(self.fd):
                    return True
                path.unlink()
        return False

    def settle(self) -> Path | None:
        """Ends the split, once nobody writes any more. Where the rest of the log is, None where all is in the log."""
        if self.fd < 0 and not self.find():
            return None
        if self.path is None:
            return None
        if self._put_back():
            with contextlib.suppress(OSError):
                self.path.unlink()
                self.path.parent.rmdir()  # unless another log of the run is there
            return None
        with contextlib.suppress(OSError):
            self._complete()
        return self.path

    def _put_back(self) -> bool:
        size = os.fstat(self.fd).st_size
        try:
            with self.log.path.open("r+b", buffering=0) as file:
                _copy(self.fd, file.fileno(), extents(self.fd, size))
        except OSError:
            return False
        return True

    def _complete(self) -> None:
        """Makes the file here the whole log, and the log a link to it. Raises OSError where it does not fit."""
        assert self.path is not None
        size = os.fstat(self.log.fd).st_size
        _copy(self.log.fd, self.fd, extents(self.log.fd, size))
        link = self.log.path.with_name(f".{self.log.path.name}.link")
        for at in range(0, ATTEMPTS * BLOCK, BLOCK):
            try:
                link.symlink_to(self.path)
                break
            except OSError:  # a long path takes a block of the full disk: the log has some that are needed no more
                fallocate(self.log.fd, KEEP_SIZE | PUNCH_HOLE, at, BLOCK)
        link.replace(self.log.path)


def _copy(source: int, to: int, parts: list[tuple[int, int]]) -> None:
    for start, end in parts:
        at = start
        while at < end:
            at += os.pwrite(to, os.pread(source, min(BLOCK, end - at), at), at)


def _folders(log: Log) -> Iterator[Path]:
    """Folders for this run on other disks than the log's: those with much room first, then the one with the most."""
    device = os.fstat(log.fd).st_dev
    space = {base: _free(base, device) for base in creation.all_bases()}
    enough = [base for base in space if space[base] >= ROOM]
    for base in enough or sorted((b for b in space if space[b] >= LITTLE), key=lambda b: -space[b]):
        with contextlib.suppress(OSError):
            folder = creation.private_folder(base, FOLDER) / log.path.parent.name
            folder.mkdir(0o700, exist_ok=True)
            yield folder


def _free(base: Path, device: int) -> int:
    """Bytes that can be written below a folder, which need not be there; 0 on this device."""
    while not base.exists() and base != base.parent:
        base = base.parent
    try:
        found = os.statvfs(base)
        return 0 if base.stat().st_dev == device else found.f_bavail * found.f_frsize
    except OSError:
        return 0
