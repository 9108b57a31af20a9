"""Shows the log on the user's terminal while it grows, in a thread of its own that may block alone.

A frozen terminal stops only this thread; a vanished one ends the showing, never the keeping. Bytes go out as they
are, in blocks: no line is waited for, and carriage returns and half lines appear at once.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque

from doctor.base.opening import open_any
from doctor.base.terminals import encoded
from doctor.run.log.elsewhere import Elsewhere
from doctor.run.log.logfile import Log

POLL, LAZY = 0.02, 0.03
BLOCK = 1 << 18
PATIENCE = 2.0
LONGEST = 30.0
FAST = 8 << 20


class Tail(threading.Thread):
    """Copies `log`, of `cap` bytes at most, to the file descriptor `out`.

    `say()` puts doctor's own lines in between, at a line's start.
    """

    def __init__(self, log: Log, out: int, cap: int = 0, messages_to: int | None = None) -> None:
        super().__init__(daemon=True, name=f"tail-{out}")
        self.log, self.out, self.messages_to = log, out, messages_to
        self.shown = self.skipped = 0
        self.broken = self.ended = False
        self._fd = open_any(log.path)
        self.elsewhere = Elsewhere(log, cap)
        self._messages: deque[bytes] = deque(maxlen=200)
        self._mid_line = self._finishing = False

    def say(self, text: str) -> None:
        """Queues one line of doctor's own."""
        self._messages.append(encoded(f"{text}\n"))

    def run(self) -> None:
        """Copies until `finish` was called and everything is shown, or nobody listens any more."""
        quiet = 0
        while True:
            last = self._finishing
            moved = self._copy()
            self._speak()
            if last and not moved and not self._messages:
                break
            if moved:
                quiet = 0
            else:
                quiet += 1
                time.sleep(POLL if quiet < 250 else LAZY)
        self.ended = True

    def finish(self) -> int:
        """Shows the rest and returns the bytes that nobody took.

        Waits while bytes flow at a good speed, 30 s at most; a reader slower than 8 MiB/s gets 2 s.
        """
        self._finishing = True
        began, first = time.monotonic(), self.shown
        while not self.ended and self.is_alive():
            spent = time.monotonic() - began
            if spent > LONGEST or (spent > PATIENCE and self.shown - first < FAST * spent):
                break
            time.sleep(0.005)
        return max(0, os.fstat(self._fd).st_size - self.shown - self.skipped)

    def _copy(self) -> bool:
        if self.broken:
            return False
        at = self.shown + self.skipped
        block = os.pread(self._fd, BLOCK, at) or self.elsewhere.read(at, BLOCK)
        if not block:
            return False
        if block[0] == 0 and (start := self._data_from(at)) > at:  # a hole, where the middle was moved or given back
            if kept := self.elsewhere.read(at, min(BLOCK, start - at)):
                self._write(self.out, kept)
                return True
            self.skipped += start - at
            self.say(f"qvl-doctor: {start - at} bytes not shown here: the log is faster than this terminal")
            return True
        if block[-1] == 0:
            block = block[: max(1, self._hole_from(at) - at)]
        self._write(self.out, block)
        return True

    def _data_from(self, at: int) -> int:
        """Where the log goes on after `at`: further on, where its middle was given back meanwhile."""
        try:
            return os.lseek(self._fd, at, os.SEEK_DATA)
        except (OSError, AttributeError):
            return at

    def _hole_from(self, at: int) -> int:
        """Where the data that is at `at` ends: at a hole, or at the log's end."""
        try:
            return os.lseek(self._fd, at, os.SEEK_HOLE)
        except (OSError, AttributeError):
            return at + BLOCK

    def _write(self, out: int, block: bytes) -> None:
        view = memoryview(block)
        try:
            while view:
                try:
                    count = os.write(out, view)
                except BlockingIOError:  # somebody made the shared terminal non-blocking; we do not change it back
                    time.sleep(POLL)
                    continue
                self.shown += count
                view = view[count:]
            self._mid_line = not block.endswith(b"\n")
        except OSError:
            self.broken = True

    def _speak(self) -> None:
        while self._messages:
            text = self._messages.popleft()
            if self.messages_to is None:
                continue
            try:
                os.write(self.messages_to, b"\n" + text if self._mid_line else text)
                self._mid_line = False
            except OSError:
                return
