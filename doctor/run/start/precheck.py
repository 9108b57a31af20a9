"""The check before the start: is there any reason why this server cannot come up here?

It is made in a child process. What it reads and builds is gone from memory when the server runs, and nothing that
goes wrong in it, not even a crash of the interpreter or a file system that does not answer, keeps the server from
being started.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from doctor.findings import HOW_TO_SEE, StartVerdict
from doctor.launch.asked import starts_server
from doctor.launch.read import commands_of, composed, read_launch

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PATIENCE = 60.0
Check = Callable[[tuple[str, ...]], StartVerdict]


def precheck(argv: Sequence[str], check: Check, patience: float = PATIENCE) -> StartVerdict:
    """What `check` says of the command, which is read as `check` reads it; what holds no server is not checked."""
    if unread := unreadable(tuple(argv)):
        return StartVerdict(trouble=f"the command was not checked: {unread}")
    return apart(check, tuple(argv), patience)


def unreadable(argv: tuple[str, ...]) -> str | None:
    """Why there is nothing to check in a command, a clause; None where it starts a server, or several services."""
    from doctor.matrix.files.data import DataError

    try:
        if composed(commands_of(argv)) is not None:
            return None
        launch = read_launch(argv)
        return None if starts_server(launch) else launch.why
    except DataError as error:
        return str(error)


def apart(check: Check, argv: tuple[str, ...], patience: float) -> StartVerdict:
    """What `check` says in a child process, within so many seconds; a verdict with `trouble` where it says nothing."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(check, argv, sending))
    try:
        child.start()
        sending.close()
        if not receiving.poll(patience):
            return StartVerdict(trouble=f"the check before the start took longer than {patience:g} s and was stopped")
        found: StartVerdict = receiving.recv()
        return found
    except (EOFError, OSError) as e:
        why = "it ended without an answer" if isinstance(e, EOFError) else e.strerror or str(e)
        return StartVerdict(trouble=f"the check before the start failed ({why}); {HOW_TO_SEE}")
    finally:
        receiving.close()
        if child.pid is not None:
            child.kill()
            child.join()


def _child(check: Check, argv: tuple[str, ...], sending: Connection) -> None:
    """Makes the check and sends what came of it; a traceback of ours would only hide what the server has to say."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        sys.stdout = sys.stderr = os.fdopen(null, "w", encoding="utf-8")
    sending.send(check(argv))
