"""The runs that are there: one line each, their removal, and reading along with one that runs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from doctor.base.record import dataclass
from doctor.run.log import overflow
from doctor.run.log.logfile import is_held, logs_of
from doctor.run.log.reading import extents
from doctor.run.story import creation, lookup
from doctor.run.story.decode import read_events, read_meta, read_report
from doctor.run.story.events import Start
from doctor.run.story.meta import boot
from doctor.run.story.outcome import still_runs
from doctor.run.watch.proc import read_stat


@dataclass(frozen=True, slots=True)
class Run:
    """One run: `state` is running, success, failed, not-started or unobserved; `age` in seconds; `size` on disk."""

    folder: Path
    started: str
    state: str
    exit_code: int | None
    command: str
    age: float
    size: int


def runs(log_dir: str | None = None) -> list[Run]:
    """All runs, the oldest first, of one folder or of all usual places."""
    return [describe(folder) for base in _bases(log_dir) for folder in lookup.runs_in(base)]


def _bases(log_dir: str | None) -> list[Path]:
    return [Path(log_dir)] if log_dir else creation.all_bases()


def describe(folder: Path) -> Run:
    """One run in a line."""
    meta, report = read_meta(folder), read_report(folder)
    code = report.exit_code if report else None
    if is_running(folder):
        state = "running"
    elif report is None or report.outcome == "unobserved":
        state = "unobserved"
    else:
        state = "not-started" if report.outcome == "not_started" else "failed" if code else "success"
    size = sum(
        p.lstat().st_blocks * 512 if hasattr(os.stat_result, "st_blocks") else p.lstat().st_size
        for p in folder.iterdir()
    )
    age = 0.0 if meta.started_unix is None else time.time() - meta.started_unix
    return Run(folder, meta.started or "?", state, code, " ".join(meta.command), age, size)


def is_running(folder: Path) -> bool:
    """Whether anybody holds the run: its server, a daemon that writes its log, or doctor itself."""
    if any(is_held(path) for path in logs_of(folder)):
        return True
    meta = read_meta(folder)
    if meta.boot != boot():
        return False
    start = next((e for e in islice(read_events(folder), 50) if isinstance(e, Start)), None)
    if start is None:
        return read_stat(meta.doctor_pid) is not None and not (folder / "report.json").exists()
    return still_runs(start)


def prune(keep: int, older_than: float | None, log_dir: str | None = None) -> list[Run]:
    """Removes ended runs beyond the newest `keep`, or older than so many seconds where that is given; returns them.

    A run that anybody holds stays. What is left of one that was killed before it began goes too.
    """
    for orphan in (folder for base in _bases(log_dir) for folder in lookup.orphans_in(base)):
        shutil.rmtree(orphan, ignore_errors=True)
    ended = [r for r in runs(log_dir) if r.state != "running"]
    if older_than is not None:
        doomed = [r for r in ended if r.age > older_than]
    else:
        doomed = ended[: max(0, len(ended) - keep)]
    gone = [run for run in doomed if not is_running(run.folder)]  # asked again: listing many takes a while
    for run in gone:
        overflow.remove(run.folder)
        shutil.rmtree(run.folder, ignore_errors=True)
    return gone


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
