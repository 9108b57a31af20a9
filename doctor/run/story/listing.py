"""Which runs there are: each folder's own files decide, and an index saves reading those that have not changed.

The index is only ever a memory of what was read: lost, damaged, out of date or written by two at once, it is made again
from the folders. A run that somebody still has is never taken from it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.run.story.decode import read_meta, shown_of
from doctor.run.story.holding import is_running
from doctor.run.story.index import Index, Key
from doctor.run.story.meta import MARKER, Meta
from doctor.run.story.runfolder import load, load_any
from doctor.run.watch.proc import read_stat

_BEGINNING = 60.0  # seconds
NAME = late_pattern(r"\d{8}T\d{6}Z-(?P<pid>\d{1,9})(?:-\d{1,2})?")


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


@dataclass(frozen=True, slots=True)
class Damaged:
    """The folder of a run whose `meta.json` is not what it should be, and why."""

    folder: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All runs below a folder, the oldest first, and those that cannot be read."""

    runs: tuple[Run, ...] = ()
    damaged: tuple[Damaged, ...] = ()


def listing(base: Path) -> Listing:
    """Reads what has changed since the last time."""
    index = Index(base)
    found: list[Run] = []
    damaged: list[Damaged] = []
    for folder in _folders(base):
        key = _key(folder)
        if key is None:
            continue
        row = index.get(folder.name, key)
        run = _from_row(folder, row) if row else _read(folder)
        if isinstance(run, Damaged):
            damaged.append(run)
        elif run is not None:
            found.append(run)
            if row is None and run.state != "running" and _key(folder) == key:
                index.put(folder.name, key, _row(run))
    index.save()
    return Listing(tuple(sorted(found, key=lambda r: (r.started, r.folder.name))), tuple(damaged))


def describe(folder: Path, meta: Meta | None = None) -> Run:
    """One run in a line, whatever stands in its files. Raises OSError where the folder may not be read."""
    meta, report = meta or read_meta(folder), load(folder / "report.json")
    code = report.get("exit_code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    outcome = report.get("outcome", "unobserved")
    if is_running(folder, meta, outcome not in ("unobserved", "running")):
        state = "running"
    elif outcome == "unobserved":
        state = "unobserved"
    else:
        state = "not-started" if outcome == "not_started" else "failed" if code else "success"
    size = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            at = entry.stat(follow_symlinks=False)
            size += at.st_blocks * 512 if hasattr(at, "st_blocks") else at.st_size
    return Run(folder, meta.started or "?", state, code, " ".join(meta.command), _age(meta.started_unix), size)


def orphans(base: Path) -> list[Path]:
    """Folders of runs that ended before they had begun: without `meta.json`, and of a process that is gone.

    After a minute its number means another one: far less lies between the folder and the file.
    """
    named = [(p, NAME.fullmatch(p.name)) for p in _folders(base)]
    empty = [(p, int(n["pid"])) for p, n in named if n and never_began(p)]
    return [p for p, pid in empty if read_stat(pid) is None or _since_change(p) > _BEGINNING]


def never_began(folder: Path) -> bool:
    """Whether a folder surely has no `meta.json`."""
    try:
        (folder / "meta.json").lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def trouble(folder: Path) -> str | None:
    """Why a folder that has the name of a run cannot be read as one; None where it can."""
    found = _read_meta(folder)
    return found if isinstance(found, str) else None


def _folders(base: Path) -> list[Path]:
    """The folders below `base` that may be runs; names with a dot are ours, of what is made or removed just now."""
    try:
        with os.scandir(base) as found:
            return [base / e.name for e in found if e.name[0] != "." and e.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _read(folder: Path) -> Run | Damaged | None:
    """A run, the reason why it is none, or None where the folder never was one."""
    meta = _read_meta(folder)
    if isinstance(meta, str):
        return Damaged(folder, meta) if NAME.fullmatch(folder.name) else None
    try:
        return describe(folder, meta)
    except OSError as e:
        return Damaged(folder, f"the folder cannot be read: {e.strerror or e}")


def _read_meta(folder: Path) -> Meta | str:
    data = load_any(folder / "meta.json")
    if not isinstance(data, dict):
        return "`meta.json` is damaged or cannot be read"
    if data.get("kind") != MARKER:
        return "`meta.json` is not that of a run"
    try:
        return shown_of(data)
    except ValueError as e:
        return f"`meta.json` is damaged: {e}"


def _key(folder: Path) -> Key | None:
    """What changes when the folder, its `meta.json` or its `report.json` does; None where there is no `meta.json`."""
    out: list[int] = []
    for name in ("meta.json", "report.json", ""):
        try:
            at = os.stat(f"{folder}/{name}", follow_symlinks=False)  # noqa: PTH116 - hot
        except OSError as e:
            if name == "meta.json" and isinstance(e, (FileNotFoundError, NotADirectoryError)):
                return None
            out += [0, 0, 0, 0]
            continue
        out += [at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns]
    return tuple(out)


def _row(run: Run) -> list[object]:
    return [run.started, run.state, run.exit_code, run.command, time.time() - run.age if run.age else None, run.size]


def _from_row(folder: Path, row: list[object]) -> Run | None:
    started, state, code, command, unix, size = row
    age = _age(unix if isinstance(unix, (int, float)) else None)
    code = code if isinstance(code, int) else None
    return Run(folder, str(started), str(state), code, str(command), age, size if isinstance(size, int) else 0)


def _since_change(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0


def _age(started: float | None) -> float:
    return 0.0 if started is None else time.time() - started
