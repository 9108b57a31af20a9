"""Signals during a repair: they undo it until the switch, and wait from there to the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from doctor.repair.errors import Terminated

_STOPPING = ("SIGTERM", "SIGHUP")


def _raise(signum: int, _: FrameType | None) -> None:
    raise Terminated(signum)


@contextmanager
def orderly() -> Iterator[None]:
    """SIGTERM and SIGHUP raise Terminated, so that what was begun is put away. Those that are ignored stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [n for name in _STOPPING if (n := getattr(signal, name, None)) is not None]
    before = {n: signal.getsignal(n) for n in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Signals that ask to stop are dropped in here: past the switch there is nothing left to save them for."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [n for name in ("SIGINT", *_STOPPING) if (n := getattr(signal, name, None)) is not None]
    before = {n: signal.signal(n, signal.SIG_IGN) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
