"""Who still has a run: locks on its folder and its logs, which end with the last process that has them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from doctor.base.opening import open_any, open_regular
from doctor.run.log.logfile import hold, logs_of
from doctor.run.story.decode import read_events, read_meta
from doctor.run.story.events import Start
from doctor.run.story.meta import Meta, boot
from doctor.run.story.outcome import still_runs
from doctor.run.watch.proc import read_stat


def hold_folder(folder: Path) -> int:
    """Marks a run as its supervisor's until the descriptor is closed; -1 where that is impossible (Windows)."""
    try:
        handle = open_any(folder)
    except OSError:
        return -1
    hold(handle)
    return handle


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody has the run; if so, nobody gets it while the block runs."""
    handles: list[int] = []
    try:
        yield _taken(folder, handles)
    finally:
        for handle in handles:
            os.close(handle)


def _taken(folder: Path, handles: list[int]) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    for path in (folder, *logs_of(folder)):
        try:
            handle = open_any(path) if path == folder else open_regular(path, follow=False)[0]
        except (OSError, ValueError):
            continue
        handles.append(handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            continue
    return True


def is_running(folder: Path, meta: Meta | None = None, reported: bool = False) -> bool:
    """Whether anybody has the run: its server, a daemon that writes its log, or doctor itself.

    `reported`: its report says how the server ended.
    """
    with alone(folder) as free:
        if not free:
            return True
    return _lives(folder, meta or read_meta(folder), reported)


def _lives(folder: Path, meta: Meta, reported: bool) -> bool:
    """The same by the processes that the run names: for file systems without locks, and servers that left their log."""
    if meta.boot != boot():
        return False
    doctor = read_stat(meta.doctor_pid)
    if doctor is not None and doctor.state not in "ZX" and meta.doctor_start == doctor.start:
        return True
    if reported:
        return False
    start = next((e for e in islice(read_events(folder), 50) if isinstance(e, Start)), None)
    if start is None:
        return doctor is not None and not meta.doctor_start and not (folder / "report.json").exists()
    return still_runs(start)
