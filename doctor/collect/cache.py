"""Remembers what was read of an environment, for as long as the files that it was read from stay as they are."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from doctor import __version__
from doctor.base.owned import own_home, read_owned, write_owned
from doctor.facts import Target
from doctor.facts.codec import FactsError, from_json, to_json

T = TypeVar("T")
Seen = Mapping[str, "tuple[int, int] | None"]
Stamp = tuple[int, int, int, int]  # time of the content and size, time of the status, inode
KEEP = 40
_SIZE_LIMIT = 64 * 1024 * 1024
TICK = 20_000_000  # nanoseconds by which a file system's clock may be late
_asked_at: dict[Path, int] = {}
# variables that decide which files are looked at; those that the patient's modules ask for are kept with the result
_DECISIVE = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH")


def folder() -> Path:
    """Where results are kept: `$XDG_CACHE_HOME/qvl-doctor`, on Windows `%LOCALAPPDATA%`."""
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None)
    return Path(base or own_home() / ".cache") / "qvl-doctor"


def texts() -> Path | None:
    """The file of what the texts of modules say; None where there is no place to keep it."""
    try:
        return folder() / "texts" / "texts.json"
    except RuntimeError:  # no home folder
        return None


def place(target: Target, asked: tuple[str, ...], environ: Mapping[str, str]) -> Path | None:
    """The file for this question about this target; None where there is no place to keep it."""
    values = [f"{name}={environ.get(name, '')}" for name in _DECISIVE]
    question = json.dumps([__version__, sys.version_info[:2], to_json(target), asked, values], sort_keys=True)
    try:
        return folder() / "environments" / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"
    except RuntimeError:  # no home folder
        return None


def load(path: Path, kind: type[T], environ: Mapping[str, str] | None = None) -> T | None:
    """What was kept, if every file, folder and variable that decided it is still the same; else None.

    Ask before anything is read: `save` keeps only what was read of files that have not changed since then.
    """
    _asked_at[path] = time.time_ns()
    try:
        data = json.loads(read_owned(path, _SIZE_LIMIT))
        asked: dict[str, str] = data["asked"]
        if _digests(asked, environ or {}) != asked or _state(data["seen"]) != data["state"]:
            return None
        return from_json(kind, data["made"], "cache")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, FactsError, RecursionError):
        return None


def _digests(names: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """What tells one value of a variable from another without keeping it; empty for one that is not set."""

    def digest(value: str | None) -> str:
        return "" if value is None else hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    return {name: digest(environ.get(name)) for name in sorted(names)}


def _state(seen: Mapping[str, Iterable[str]]) -> str:
    """What tells this state of the files (folder to names) from another one."""
    return _digest(_stamp(f"{base}/{name}") for base, names in seen.items() for name in names)


def _stamp(file: str) -> Stamp | None:
    """Times and size, its status's time too, which no tool sets back as that of its content; its inode."""
    try:
        info = os.stat(file)
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size, info.st_ctime_ns, info.st_ino


def _digest(stamps: Iterable[Stamp | None]) -> str:
    return hashlib.blake2b(repr(list(stamps)).encode(), digest_size=16).hexdigest()


def save(
    path: Path, made: Any, seen: Seen, asked: Iterable[str] = (), environ: Mapping[str, str] | None = None
) -> None:
    """Keeps a result, whole or not at all; two processes may do so at once. A full or read-only disk is no error.

    `asked` are the variables of `environ` that decided it. Nothing is kept where a file has changed since `load` was
    asked: nobody knows whether that was before or after it was read.
    """
    began = _asked_at.pop(path, None) or time.time_ns()
    grouped: dict[str, dict[str, Stamp | None]] = {}
    for file, stamp in seen.items():
        now = _stamp(file)
        if (now[2] > began - TICK) if now is not None else (stamp is not None):
            return
        base, _, name = file.rpartition("/")
        grouped.setdefault(base, {})[name] = None if stamp is None or now is None else (*stamp, *now[2:])
    kept = {
        "made": to_json(made), "seen": {base: [*names] for base, names in grouped.items()},
        "state": _digest(stamp for names in grouped.values() for stamp in names.values()),
        "asked": _digests(asked, environ or {}),
    }  # fmt: skip
    text = json.dumps(kept, separators=(",", ":"))
    with contextlib.suppress(OSError):
        write_owned(path, text.encode("utf-8", "surrogatepass"))
        prune(path.parent, KEEP)


def prune(where: Path, keep: int) -> None:
    """Leaves the newest `keep` files of a folder of results. Raises OSError."""
    kept = sorted(where.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in kept[keep:]:
        old.unlink(missing_ok=True)
