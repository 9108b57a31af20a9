"""The runs that are there, their removal, and reading along with one that runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from doctor.base.record import dataclass
from doctor.run.log.logfile import logs_of
from doctor.run.log.reading import extents
from doctor.run.story import creation, removal
from doctor.run.story.holding import is_running
from doctor.run.story.listing import Listing, Run, listing, orphans


@dataclass(frozen=True, slots=True)
class Pruned:
    """The runs that were removed, and those that could not be: each with the reason."""

    gone: tuple[Run, ...]
    stayed: tuple[tuple[Run, str], ...]
    listing: Listing


def runs(log_dir: str | None = None) -> Listing:
    """All runs, the oldest first, of one folder or of all usual places."""
    found = [listing(base) for base in _bases(log_dir)]
    return Listing(tuple(r for one in found for r in one.runs), tuple(d for one in found for d in one.damaged))


def _bases(log_dir: str | None) -> list[Path]:
    return [Path(log_dir)] if log_dir else creation.all_bases()


def prune(keep: int, older_than: float | None, log_dir: str | None = None) -> Pruned:
    """Removes ended runs beyond the newest `keep`, or older than so many seconds where that is given.

    A run that anybody has stays, and so does one whose `meta.json` is damaged. What is left of one that was
    killed before it began goes too.
    """
    for base in _bases(log_dir):
        removal.clear(base)
        for orphan in orphans(base):
            removal.remove(orphan)
    found = runs(log_dir)
    ended = [r for r in found.runs if r.state != "running"]
    if older_than is not None:
        doomed = [r for r in ended if r.age > older_than]
    else:
        doomed = ended[: max(0, len(ended) - keep)]
    answers = [(run, removal.remove(run.folder)) for run in doomed]
    for base in _bases(log_dir) if doomed else ():
        listing(base)  # so that the index forgets them
    return Pruned(tuple(r for r, why in answers if why is None), tuple((r, why) for r, why in answers if why), found)


def follow(folder: Path, back: int = 1 << 14, poll: float = 0.1) -> Iterator[bytes]:
    """The end of the run's logs and then what comes, until the server is gone."""
    files = [path.open("rb", buffering=0) for path in logs_of(folder)]
    try:
        for file in files:
            size = os.fstat(file.fileno()).st_size
            parts = extents(file.fileno(), size)
            file.seek(max(parts[-1][0], size - back) if parts else size)
        while True:
            running = is_running(folder)
            blocks = [block for file in files if (block := file.read(1 << 16))]
            yield from blocks
            if not blocks and not running:
                return
            if not blocks:
                time.sleep(poll)
    finally:
        for file in files:
            file.close()
