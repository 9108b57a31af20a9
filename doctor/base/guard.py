"""No crash of our own: whatever goes wrong in doctor itself ends with one sentence and status 3, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import TextIO

from doctor.base.stack import NoStack
from doctor.base.terminals import encoded, let_go, prepare_streams

CANNOT, NOT_STARTED, INTERRUPTED = 3, 125, 130
TRACEBACK = "QVL_DOCTOR_TRACEBACK"  # set, it lets the exception through, for a bug report


def guarded(action: Callable[[], object]) -> int:
    """The status of `action`, a command that ends with SystemExit, or ours where it could not do its work."""
    prepare_streams()
    try:
        return _ended(action)
    finally:
        exec("")  # a Ctrl-C that `exec` of a text let through ends Python by SIGINT at exit, though handled since


def _ended(action: Callable[[], object]) -> int:
    failed = NOT_STARTED if sys.argv[1:2] == ["run"] else CANNOT
    try:
        status = _status(action)
        sys.stdout.flush()
        return status if _flushed(sys.stderr) or status != 0 else failed
    except BrokenPipeError:
        pass  # `| head` has seen enough
    except KeyboardInterrupt:  # outside of the command's own handling, such as while it loads
        return INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        _say(sentence(error))
    let_go(sys.stdout)
    return failed


def _flushed(stream: TextIO) -> bool:
    """Whether what stands in a stream's buffer could be written; if not, Python does not try again at its end."""
    try:
        stream.flush()
    except (OSError, ValueError):
        let_go(stream)
        return False
    return True


def _status(action: Callable[[], object]) -> int:
    try:
        action()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # how click and rich end when nobody reads
            raise BrokenPipeError from None
        return end.code if isinstance(end.code, int) else CANNOT if end.code else 0
    return 0


def sentence(error: Exception) -> str:
    """What stopped doctor, in one sentence."""
    if isinstance(error, MemoryError | NoStack):
        return "not enough memory"
    if isinstance(error, FileNotFoundError) and _nowhere():
        return "the current directory no longer exists; change to another one"
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return "the system allows no more threads; see `ulimit -u`"
    if isinstance(error, OSError) and error.strerror:
        return _trouble(error)
    return f"internal error: {_where(error)}; {TRACEBACK}=1 shows the traceback for a bug report"


def _trouble(error: OSError) -> str:
    if error.errno == errno.EAGAIN:
        return "the system allows no more processes; see `ulimit -u`"
    if error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO, errno.EDQUOT) and error.filename is None:
        return f"the answer could not be written: {error.strerror}"
    return f"{error.filename}: {error.strerror}" if error.filename else f"stopped by the system: {error.strerror}"


def _where(error: Exception) -> str:
    """`TypeError: ... (check.py:42)`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    at = f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{at}"


def _nowhere() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _say(text: str) -> None:
    from doctor.base.secrets.hide import redact_text
    from doctor.base.text import one_line

    try:
        os.write(2, encoded(f"Error: {one_line(redact_text(text), 600)}\n"))
    except OSError:
        return  # there is nobody to say it to
