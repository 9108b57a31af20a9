"""The start itself: what the server gets as descriptors and signals.

The server's own session, `/dev/null` as stdin, the log as stdout and stderr; signals exactly as they would be
without us.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from doctor.run.signals import Signals
from doctor.run.start.environment import resolve, shebang

NOT_FOUND, NOT_EXECUTABLE = 127, 126


class NotStarted(ValueError):
    """The command could not be started; `status` is the shell's word for it (126 or 127)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def ensure_standard_streams() -> None:
    """Opens `/dev/null` on whichever of descriptors 0, 1 and 2 is closed, so that no log becomes a server's stdin."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            got = os.open(os.devnull, os.O_RDWR)
            if got != fd:
                os.dup2(got, fd)
                os.close(got)
            os.set_inheritable(fd, True)


def spawn(argv: Sequence[str], env: Mapping[str, str], out: int, err: int, signals: Signals, stdin: str) -> int:
    """Starts the command and returns its pid. Raises `NotStarted`; the message is for the user.

    Must be called while there is one thread only: the child sets its signals before it becomes the server. (The C
    library's posix_spawn would do it too, but leaves two signals of its own ignored, which a server can see.)
    """
    try:
        return _spawn(list(argv), env, out, err, signals, stdin)
    except OSError as e:
        if e.errno == errno.ENOEXEC:  # a script without a first line: the shell runs it, as execvp(3) does
            return _spawn(["/bin/sh", str(resolve(argv[0], env)), *argv[1:]], env, out, err, signals, stdin)
        raise _not_started(argv[0], e) from e
    except ValueError as e:
        raise NotStarted(NOT_EXECUTABLE, f"the command cannot be started: {e}") from e


def _spawn(argv: list[str], env: Mapping[str, str], out: int, err: int, signals: Signals, stdin: str) -> int:
    def as_before() -> None:
        if signals.child_ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals.mask_before)

    child = subprocess.Popen(
        argv, env=dict(env), stdin=None if stdin == "inherit" else subprocess.DEVNULL, stdout=out, stderr=err,
        close_fds=False, start_new_session=True, preexec_fn=as_before,
    )  # fmt: skip
    child.returncode = 0  # ours to wait for, not this object's
    return child.pid


def _not_started(program: str, error: OSError) -> NotStarted:
    found = resolve(program, os.environ)
    if found is not None and not os.path.exists(found):  # noqa: PTH110 - false for a name that is too long, too
        found = None
    if error.errno == errno.ENOENT and found is not None:
        words = shebang(found)
        missing = f": its interpreter `{words[0]}` does not exist" if words else ": the interpreter it names is missing"
        return NotStarted(NOT_FOUND, f"`{program}` cannot be started{missing}")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotStarted(NOT_FOUND, f"`{program}` was not found")
    return NotStarted(NOT_EXECUTABLE, f"`{program}` cannot be started: {error.strerror}")
