"""The raw logs of a run: append-only, private, byte for byte what the server wrote."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from doctor.base.new_files import create_private
from doctor.base.record import dataclass

NAME = "output.log"
ERROR_NAME = "stderr.log"


@dataclass(frozen=True, slots=True)
class Log:
    """One open log: `path`, and `fd` open for appending (close-on-exec)."""

    path: Path
    fd: int


def create(path: Path) -> Log:
    """A new empty log, mode 0600 whatever the umask. Raises OSError, also when something is there already."""
    log = Log(path, create_private(path, append=True))
    hold(log.fd)
    return log


def in_memory(name: str) -> Log:
    """The same where no disk can be written to. Raises OSError, AttributeError where the system has no such files."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    import fcntl

    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
    return Log(Path(f"/proc/{os.getpid()}/fd/{fd}"), fd)


def hold(fd: int) -> None:
    """Marks a log as in use: by us, and by whoever has this very descriptor from us, to the last writer's end."""
    with contextlib.suppress(ImportError, OSError):  # Windows; a file system without locks
        import fcntl

        for _ in range(100):
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return
            except BlockingIOError:  # somebody asks at this very moment whether it is held
                time.sleep(0.005)


def streams_differ() -> bool:
    """Whether our own stdout and stderr go to different places, so that the user wants the two kept apart."""
    try:
        out, err = os.fstat(1), os.fstat(2)
    except OSError:
        return False
    return (out.st_dev, out.st_ino) != (err.st_dev, err.st_ino)


def logs_of(folder: Path) -> list[Path]:
    """The raw logs of a run folder, in the order of their names."""
    try:
        with os.scandir(folder) as found:
            return sorted(
                folder / e.name for e in found if e.name.endswith(".log") and e.is_file(follow_symlinks=False)
            )
    except OSError:
        return []
