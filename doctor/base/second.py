"""A second process of our own that does a part of the work meanwhile: a fork, so that nothing has to be read again.

Only where that is safe and pays: on Linux, with a second processor, and while no thread runs beside this one. It ends
with its parent: at the end of the pipe through which it is asked.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, NoReturn

Answer = Callable[[Any], Any]
_WORK_FAILED = 1


class Gone(RuntimeError):
    """The second process has ended without an answer."""


class Second:
    """A process that answers questions one after the other; what it was started for runs while nobody asks."""

    def __init__(self, pid: int, questions: BinaryIO, answers: BinaryIO) -> None:
        self._pid, self._questions, self._answers = pid, questions, answers

    def ask(self, question: object) -> Any:
        """Its answer. Raises Gone where it ended before, or what it answers is cut."""
        try:
            pickle.dump(question, self._questions)
            self._questions.flush()
            return pickle.load(self._answers)  # of a fork of ours, through a pipe that nobody else has
        except (OSError, EOFError, pickle.UnpicklingError):
            raise Gone from None

    def close(self) -> None:
        """Ends it; waits until it is gone."""
        for end in (self._answers, self._questions):
            with suppress(OSError):  # what was not sent goes nowhere
                end.close()
        with suppress(OSError):  # somebody who waits for every child has taken it
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def second(prepare: Callable[[], Answer]) -> Second | None:
    """A process in which `prepare` runs at once and gives what answers; None where one process is better."""
    if not _pays():
        return None
    asked, answered = os.pipe(), os.pipe()
    try:
        pid = os.fork()
    except OSError:  # no more processes for this user
        for end in (*asked, *answered):
            os.close(end)
        return None
    if pid == 0:
        os.close(asked[1])
        os.close(answered[0])
        _serve(prepare, os.fdopen(asked[0], "rb"), os.fdopen(answered[1], "wb"))
    os.close(asked[0])
    os.close(answered[1])
    return Second(pid, os.fdopen(asked[1], "wb"), os.fdopen(answered[0], "rb"))


def _pays() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def _serve(prepare: Callable[[], Answer], questions: BinaryIO, answers: BinaryIO) -> NoReturn:
    try:
        for number in (signal.SIGINT, signal.SIGTERM):  # the parent says what is to be said
            signal.signal(number, signal.SIG_DFL)
        answer = prepare()
        while True:
            pickle.dump(answer(pickle.load(questions)), answers)
            answers.flush()
    except BaseException:  # the parent then does the work itself, and meets the error where it can be told
        os._exit(_WORK_FAILED)
