"""The journal of a run: what happened, a line each, on disk at once."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from doctor.base.new_files import create_private
from doctor.report.run.json import record_to_json
from doctor.run.story.events import NAMES, Born, End, Event, Exit

LIMIT = 4 << 20


class Journal:
    """Bounded; a full disk does not stop the run, and what could not be written is still in `kept`."""

    def __init__(self, path: Path) -> None:
        self.kept: list[Event] = []
        self._size = 0
        self._fd = -1
        with contextlib.suppress(OSError):
            self._fd = create_private(path, append=True)

    def add(self, event: Event) -> None:
        """Notes one event; births and quiet ends are left out once the journal is half full."""
        quiet = isinstance(event, Born) or (isinstance(event, Exit) and not event.status)
        if self._size > (LIMIT // 2 if quiet else LIMIT) and not isinstance(event, End):
            return
        self.kept.append(event)
        line = json.dumps({"event": NAMES[type(event)], **record_to_json(event)}).encode() + b"\n"
        self._size += len(line)
        with contextlib.suppress(OSError):
            if self._fd >= 0:
                os.write(self._fd, line)

    def has(self, *kinds: type[Event]) -> bool:
        """Whether an event of one of these kinds was noted."""
        return any(isinstance(event, kinds) for event in self.kept)
