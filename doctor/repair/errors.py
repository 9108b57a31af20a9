"""What stops a repair: one sentence for the user; the environment is as it was."""

from __future__ import annotations

import errno
import os

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


class RepairError(RuntimeError):
    """The repair was not made, and why."""


class Refused(RepairError):
    """The environment is one that must not be touched, or not now."""


class Locked(Refused):
    """Another repair works on the same environment."""


class Terminated(BaseException):
    """A signal asks to stop (SIGTERM, SIGHUP); SIGINT is Python's own KeyboardInterrupt."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def worded(error: OSError, state: str = "nothing was changed") -> RepairError:
    """An error of the operating system as a sentence; `state` is what then is true of the environment."""
    where = f" (`{error.filename}`)" if error.filename else ""
    if error.errno in _FULL:
        return RepairError(f"no space left on the disk{where}; {state}")
    if error.errno in _DENIED:
        return RepairError(f"{_denied(error)}: {error.strerror}{where}; {state}")
    return RepairError(f"{error.strerror or error}{where}; {state}")


def _denied(error: OSError) -> str:
    """Which permission is missing: a file that is there and may not be read is not one that may not be written."""
    path = error.filename
    reads = isinstance(path, str | bytes) and os.path.lexists(path) and not os.access(path, os.R_OK)
    return "no permission to read this" if reads else "no permission to write here"
