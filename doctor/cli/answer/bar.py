"""One line of progress on stderr."""

from __future__ import annotations

import sys
import time

DELAY = 0.4
EVERY = 0.1


class Bar:
    """Counts modules on one line that is gone when the work is done; silent for the first moments."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._start = time.monotonic()
        self._shown = 0.0

    def update(self, done: int, total: int) -> None:
        """Shows that `done` of `total` is done."""
        now = time.monotonic()
        if now - self._start < DELAY or now - self._shown < EVERY:
            return
        self._shown = now
        sys.stderr.write(f"\r\x1b[K{self.what} {done}/{total}")
        sys.stderr.flush()

    def close(self) -> None:
        """Takes the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
