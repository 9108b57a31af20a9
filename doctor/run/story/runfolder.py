"""The folder of one run: private, never one that was there before, complete at every moment.

`meta.json` is written before the start, `events.jsonl` and `samples.jsonl` grow while the server runs, the report
comes last. Everything but the raw logs is redacted and free of control characters.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from doctor.base.new_files import create_private

MARKER = "qvl-doctor run"
EVENTS_LIMIT = 4 << 20
READ_LIMIT = 16 << 20


class Unusable(ValueError):
    """No run folder can be made where it has to be; the message says why."""


def default_bases() -> list[Path]:
    """Where runs are kept when the user names no place, best first."""
    out = []
    state = os.environ.get("XDG_STATE_HOME")
    if state and Path(state).is_absolute():
        out.append(Path(state) / "qvl-doctor" / "runs")
    with contextlib.suppress(RuntimeError):
        out.append(Path.home() / ".local" / "state" / "qvl-doctor" / "runs")
    return out


def fallback_base() -> Path:
    """The last resort: a folder of this user below the system's folder for temporary files."""
    top = Path("/tmp") if os.name == "posix" else Path(tempfile.gettempdir())
    return top / f"qvl-doctor-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def create(log_dir: str | None) -> tuple[Path, str | None]:
    """A new run folder and a warning, or None. Raises `Unusable` (a named place is never replaced by another)."""
    if log_dir is not None:
        base = Path(log_dir)
        try:
            return _new_run(base), _windows_side(base)
        except OSError as e:
            raise Unusable(f"the log folder `{base}` cannot be used: {e.strerror or e}") from e
    for base in default_bases():
        try:
            return _new_run(base), None
        except OSError:
            continue
    base = fallback_base()
    try:
        _private(base)
        return _new_run(base), f"the usual place for logs cannot be used, so the log is kept under `{base}`"
    except OSError as e:
        raise Unusable(f"no place for the log: `{base}` cannot be used: {e.strerror or e}") from e


def _new_run(base: Path) -> Path:
    _make_all(base)
    stem = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{os.getpid()}"
    for number in range(100):
        folder = base / (stem if not number else f"{stem}-{number}")
        try:
            folder.mkdir(0o700)
        except FileExistsError:
            continue
        folder.chmod(0o700)
        return folder.absolute()
    raise FileExistsError(errno.EEXIST, "too many runs of this name")


def _make_all(base: Path) -> None:
    """Makes the missing parents one by one, private and usable whatever the umask is."""
    missing = []
    at = base
    while not at.exists() and at != at.parent:
        missing.append(at)
        at = at.parent
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)
            folder.chmod(0o700)
    if not base.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a folder")


def _private(base: Path) -> None:
    """Makes sure that a folder in a place where everybody writes is ours alone."""
    with contextlib.suppress(FileExistsError):
        base.mkdir(0o700)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder")
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "it belongs to another user")
    base.chmod(0o700)


def _windows_side(base: Path) -> str | None:
    real = str(base.absolute())
    if sys.platform == "linux" and real.startswith("/mnt/") and "WSL_DISTRO_NAME" in os.environ:
        return f"`{base}` is on the Windows side, where logs are slow and unbounded; a folder below your home is better"
    return None


def write(folder: Path, name: str, data: str) -> None:
    """Writes a file of the run whole or not at all: beside it, flushed to disk, then renamed. Raises OSError."""
    temporary = folder / f".{name}.{os.getpid()}.part"
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    fd = create_private(temporary)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data.encode("utf-8", "replace"))
            file.flush()
            os.fsync(fd)
        temporary.replace(folder / name)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def private_file(path: Path) -> int:
    """A new file for appending, mode 0600 whatever the umask. Raises OSError, also when something is there already."""
    return create_private(path, append=True)


def dump(value: Any) -> str:
    """JSON, one key a line, so that it can be read and searched; only characters that no terminal acts on."""
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def load(path: Path) -> dict[str, Any]:
    """A JSON object of a run folder; empty when it is missing, too large or damaged."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(READ_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def load_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a `.jsonl` file; a last line cut short by a crash is skipped."""
    try:
        with path.open("rb") as file:
            lines = file.read(READ_LIMIT).split(b"\n")
    except OSError:
        return []
    return list(_objects(lines))


def _objects(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


class Journal:
    """What happened, a line each, on disk at once; bounded, and a full disk does not stop the run."""

    def __init__(self, path: Path) -> None:
        self.kept: list[dict[str, Any]] = []
        self._size = 0
        self._fd = -1
        with contextlib.suppress(OSError):
            self._fd = private_file(path)

    def add(self, kind: str, **fields: Any) -> None:
        """Notes one event; births and quiet ends are left out once the journal is half full."""
        event = {"event": kind, **fields}
        quiet = kind == "process" or (kind == "exit" and not fields.get("status"))
        if self._size > (EVENTS_LIMIT // 2 if quiet else EVENTS_LIMIT) and kind != "end":
            return
        self.kept.append(event)
        line = json.dumps(event).encode() + b"\n"
        self._size += len(line)
        with contextlib.suppress(OSError):
            if self._fd >= 0:
                os.write(self._fd, line)


def is_run(folder: Path) -> bool:
    """Whether `folder` is a run folder of ours."""
    return load(folder / "meta.json").get("kind") == MARKER


def runs_in(base: Path) -> list[Path]:
    """The run folders below `base`, the oldest first."""
    try:
        found = [p for p in base.iterdir() if p.is_dir() and not p.is_symlink()]
    except OSError:
        return []
    return sorted((p for p in found if is_run(p)), key=lambda p: (load(p / "meta.json").get("started", ""), p.name))


def find(name: str, log_dir: str | None = None) -> Path:
    """The run that `name` means: a folder, an id, the beginning of one id, or `last`. Raises `Unusable`."""
    if Path(name).is_dir() and is_run(Path(name)):
        return Path(name).absolute()
    bases = [Path(log_dir)] if log_dir else [*default_bases(), fallback_base()]
    runs = [run for base in bases for run in runs_in(base)]
    if name == "last" and runs:
        return max(runs, key=lambda p: (load(p / "meta.json").get("started", ""), p.name))
    exact = [run for run in runs if run.name == name]
    hits = exact or [run for run in runs if run.name.startswith(name)]
    if len(hits) == 1:
        return hits[0]
    raise Unusable(f"{len(hits)} runs begin with `{name}`" if hits else f"no run `{name}`: see `qvl-doctor runs`")
