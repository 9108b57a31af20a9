"""Remembers what was read of an environment, for as long as the files that it was read from stay as they are."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from doctor import __version__
from doctor.base.opening import first_bytes
from doctor.facts import Target
from doctor.facts.codec import FactsError, from_json, to_json

T = TypeVar("T")
Seen = Mapping[str, "tuple[int, int] | None"]
KEEP = 40
_SIZE_LIMIT = 64 * 1024 * 1024
# variables that decide which files are looked at; those that the patient's modules ask for are kept with the result
_DECISIVE = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH")


def folder() -> Path:
    """Where results are kept: `$XDG_CACHE_HOME/qvl-doctor`, on Windows `%LOCALAPPDATA%`."""
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None)
    return Path(base or Path.home() / ".cache") / "qvl-doctor"


def place(target: Target, asked: tuple[str, ...], environ: Mapping[str, str]) -> Path | None:
    """The file for this question about this target; None where there is no place to keep it."""
    values = [f"{name}={environ.get(name, '')}" for name in _DECISIVE]
    question = json.dumps([__version__, sys.version_info[:2], to_json(target), asked, values], sort_keys=True)
    try:
        return folder() / "environments" / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"
    except RuntimeError:  # no home folder
        return None


def load(path: Path, kind: type[T], environ: Mapping[str, str] | None = None) -> T | None:
    """What was kept, if every file, folder and variable that decided it is still the same; else None."""
    try:
        if not _ours(path):
            return None
        data = json.loads(first_bytes(path, _SIZE_LIMIT, follow=False))
        asked: dict[str, str] = data["asked"]
        if _digests(asked, environ or {}) != asked or not _unchanged(data["seen"]):
            return None
        return from_json(kind, data["made"], "cache")
    except (OSError, ValueError, KeyError, TypeError, FactsError, RecursionError):
        return None


def _ours(path: Path) -> bool:
    """Whether nobody else can have written an entry: it and its folders are this user's, and closed to others."""
    if not hasattr(os, "getuid"):
        return True
    for place in (path, path.parent, path.parent.parent):
        found = os.stat(place) if place != path else os.lstat(place)
        if found.st_uid != os.getuid() or _open_to_others(found.st_mode):
            return False
    return True


def _open_to_others(mode: int) -> bool:
    """Whether others may put files in the place of ours; a sticky folder keeps ours."""
    return bool(mode & (stat.S_IWGRP | stat.S_IWOTH)) and not mode & stat.S_ISVTX


def _digests(names: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """What tells one value of a variable from another without keeping it; empty for one that is not set."""

    def digest(value: str | None) -> str:
        return "" if value is None else hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:16]

    return {name: digest(environ.get(name)) for name in sorted(names)}


def _unchanged(seen: dict[str, dict[str, list[int] | None]]) -> bool:
    for base, names in seen.items():
        for name, expected in names.items():
            try:
                info = os.stat(f"{base}/{name}")
                now: list[int] | None = [info.st_mtime_ns, info.st_size, info.st_ctime_ns]
            except OSError:
                now = None
            if now != expected:
                return False
    return True


def save(
    path: Path, made: Any, seen: Seen, asked: Iterable[str] = (), environ: Mapping[str, str] | None = None
) -> None:
    """Keeps a result, whole or not at all; two processes may do so at once. A full or read-only disk is no error.

    `asked` are the variables of `environ` that decided it.
    """
    grouped: dict[str, dict[str, tuple[int, ...] | None]] = {}
    for file, stamp in seen.items():
        base, _, name = file.rpartition("/")
        grouped.setdefault(base, {})[name] = None if stamp is None else (*stamp, _changed_at(file))
    kept = {"made": to_json(made), "seen": grouped, "asked": _digests(asked, environ or {})}
    text = json.dumps(kept, separators=(",", ":"))
    temporary = None
    try:
        _make_private(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, path)
        temporary = None
        _prune(path.parent)
    except OSError:
        return
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _make_private(where: Path) -> None:
    """The two folders of the cache, closed to others whatever the umask is."""
    where.parent.parent.mkdir(parents=True, exist_ok=True)
    for made in (where.parent, where):
        new = not made.is_dir()
        made.mkdir(mode=0o700, exist_ok=True)
        found = made.stat()
        if new or (hasattr(os, "getuid") and found.st_uid == os.getuid() and _open_to_others(found.st_mode)):
            made.chmod(0o700)


def _changed_at(file: str) -> int:
    """When the file's status last changed, which no tool sets back, as they do with the time of its content."""
    try:
        return os.stat(file).st_ctime_ns
    except OSError:
        return 0


def _prune(where: Path) -> None:
    kept = sorted(where.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in kept[KEEP:]:
        old.unlink(missing_ok=True)
