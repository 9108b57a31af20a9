"""A server that is not ready and says nothing: what it waits for, as the kernel shows it. None of its code is run."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from doctor.base.record import dataclass
from doctor.run.silence.snapshot import waits_for

LATER = 300.0  # seconds between two sentences
MOST = 6
SECONDS = 2.0  # between two looks that are compared


@dataclass(frozen=True, slots=True)
class Quiet:
    """When the log last grew, and what was said since."""

    since: float
    said: int = 0


class Silence:
    """Looks, in a thread of its own, at a server that has been quiet for a while; `news()` gives each sentence once.

    `pids` are the server's processes, `size` how much it has written, `starting` whether it may still not be ready, and
    `first` the seconds of silence before the first look.
    """

    def __init__(
        self, pids: Callable[[], list[int]], size: Callable[[], int], starting: Callable[[], bool], first: float
    ) -> None:
        self._pids, self._size, self._starting, self._first = pids, size, starting, first
        self._quiet, self._bytes = Quiet(time.monotonic()), -1
        self._thread: threading.Thread | None = None
        self._found: str | None = None

    def news(self) -> str | None:
        """What to say now, or None; costs nothing while the server writes."""
        now, size = time.monotonic(), self._size()
        if size != self._bytes:
            self._quiet, self._bytes = Quiet(now), size
        found, self._found = self._found, None
        if found is not None:
            return f"no output for {now - self._quiet.since:.0f} s, and not ready: {found}"
        idle = self._thread is None or not self._thread.is_alive()
        if idle and self._quiet.said < MOST and now - self._quiet.since >= self._due() and self._starting():
            self._quiet = Quiet(self._quiet.since, self._quiet.said + 1)
            self._thread = threading.Thread(target=self._listen, name="silence", daemon=True)
            self._thread.start()
        return None

    def _due(self) -> float:
        return self._first + LATER * self._quiet.said

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # a process that goes meanwhile
            self._found = waits_for(self._pids(), SECONDS)
