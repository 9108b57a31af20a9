"""Signals during a repair: they undo it until the switch, and are dropped from there to the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from doctor.repair.errors import Terminated

_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
_seen: list[int] = []


def _stop(signum: int, _: FrameType | None) -> None:
    _seen.append(signum)
    raise _exception(signum)


def _exception(signum: int) -> BaseException:
    return KeyboardInterrupt() if signum == signal.SIGINT else Terminated(signum)


def checkpoint() -> None:
    """Raises for a signal whose exception was swallowed: one that comes inside a finalizer is only printed, or not."""
    if _seen:
        raise _exception(_seen[0])


@contextmanager
def orderly() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, SIGTERM and SIGHUP raise Terminated. Those that are ignored stay so."""
    with _handled(_stop):
        _seen.clear()
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Drops signals that ask to stop: past the switch, and while things are put away, there is nothing to stop."""
    with _handled(signal.SIG_IGN):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [n for name in _STOPPING if (n := getattr(signal, name, None)) is not None]
    before = {n: old for n in numbers if (old := signal.getsignal(n)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old or signal.SIG_DFL)
