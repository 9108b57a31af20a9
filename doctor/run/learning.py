"""Reads what a starting server logs about its memory, and keeps it for the next check of the same launch."""

from __future__ import annotations

import time
from dataclasses import replace

from doctor.collect.machine.observed import keep
from doctor.report.run.figures import figures_sentence
from doctor.run.start.prepare import Prepared
from doctor.run.story.figures import compared, observed, startup

FIRST, LONGER, LONGEST = 1.0, 1.5, 15.0  # seconds between two looks


class Learning:
    """Looks into the logs now and then, until the server says that it is ready; nothing where nothing is expected."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared, self._expected = prepared, prepared.expected
        self._done = self._expected is None
        self._wait = FIRST
        self._next = time.monotonic() + FIRST

    def news(self) -> str | None:
        """The figures next to their predictions, once the log says that the server is ready."""
        if self._done or time.monotonic() < self._next:
            return None
        if any(startup(log.path)[1] for log in self._prepared.logs):
            return self.now()
        self._wait = min(self._wait * LONGER, LONGEST)
        self._next = time.monotonic() + self._wait
        return None

    def now(self) -> str | None:
        """Reads and keeps what there is, once; the figures in a line, None for none."""
        expected = self._expected
        if self._done or expected is None:
            return None
        self._done = True
        seen = observed([log.path for log in self._prepared.logs], expected)
        if seen is None:
            return None
        if expected.key and (seen.cache or seen.tokens):
            day = self._prepared.meta.started.partition("T")[0]
            keep(expected.key, replace(seen, free=expected.free, run=self._prepared.folder.name, at=day))
        return f"GPU memory: {figures_sentence(compared(seen, expected))}"
