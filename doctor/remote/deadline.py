"""An end in time for what another machine is asked, whatever it sends or does not send."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from doctor.remote.errors import RemoteError

T = TypeVar("T")
_here = threading.local()


class Allowance:
    """Seconds that may be spent waiting for another machine; our own work between the calls does not count."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._spent, self._active, self._since = 0.0, 0, 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Allowance:
        with self._lock:
            if not self._active:
                self._since = time.monotonic()
            self._active += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._active -= 1
            if not self._active:
                self._spent += time.monotonic() - self._since

    def left(self) -> float:
        """What is left of them, 0 at least."""
        with self._lock:
            now = time.monotonic() - self._since if self._active else 0.0
            return max(0.0, self.seconds - self._spent - now)

    def restart(self) -> None:
        """Gives all of them again."""
        with self._lock:
            self._spent, self._since = 0.0, time.monotonic()


class Watch:
    """One read's deadline: when it comes, every connection that the read uses is shut, so that no call waits on.

    A socket's own timeout ends only silence; a byte a second, in a header or a TLS handshake, never meets it.
    """

    def __init__(self, seconds: float) -> None:
        self.ends, self.over = time.monotonic() + seconds, False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Watch:
        _here.watch = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        _here.watch = None
        self._timer.cancel()
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()

    def add(self, connection: socket.socket) -> None:
        """Watches a connection, by a copy of its descriptor: TLS takes the first one for itself."""
        with contextlib.suppress(OSError), self._lock:
            self._sockets.append(connection.dup())
        if self.over:
            self._end()

    def _end(self) -> None:
        self.over = True
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def watched(connection: socket.socket) -> None:
    """Hands a connection to the watch of the read that this thread is in, if there is one."""
    watch = getattr(_here, "watch", None)
    if watch is not None:
        watch.add(connection)


def within(seconds: float, action: Callable[[], T], whose: str) -> T:
    """What `action` gives or raises. RemoteError where it takes longer: it is left to a thread that ends with us.

    This covers what no socket's timeout does, such as a name that is being resolved. `whose` answer it is, for people.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(action())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="remote", daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    if failed:
        raise failed[0]
    if not done:
        raise RemoteError("timeout", f"{whose} gave no complete answer within {seconds:.0f} seconds")
    return done[0]
