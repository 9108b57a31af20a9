"""What servers logged about their memory on this machine, kept between runs: one small file for each launch."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from doctor.base.late import late_pattern
from doctor.base.owned import read_owned, state_folders, write_owned
from doctor.facts.codec import FactsError, from_json, to_json
from doctor.facts.observed import Observed

LIMIT, KEEP = 4096, 500  # bytes of a file, files
_KEY = late_pattern(r"[0-9a-f]{32}")


def folder() -> Path | None:
    """Where they are kept: `$XDG_STATE_HOME/qvl-doctor/memory`; None without a home of this user's own."""
    base = next(iter(state_folders()), None)
    return base / "qvl-doctor" / "memory" if base else None


def observed(key: str | None) -> Observed | None:
    """What the launch of this key logged; None where nothing is kept, or where others can have written it."""
    place = _place(key)
    if place is None:
        return None
    try:
        return from_json(Observed, json.loads(read_owned(place, LIMIT)), "observed")
    except (OSError, ValueError, FactsError, RecursionError, TypeError):
        return None


def keep(key: str, seen: Observed) -> bool:
    """Keeps it, whole or not at all, in place of what was there; whether that went."""
    place = _place(key)
    if place is None:
        return False
    try:
        write_owned(place, json.dumps(to_json(seen)).encode())
    except OSError:
        return False
    _prune(place.parent)
    return True


def _place(key: str | None) -> Path | None:
    where = folder() if key and _KEY.fullmatch(key) else None
    return where / f"{key}.json" if where else None


def _prune(where: Path) -> None:
    with contextlib.suppress(OSError):
        kept = sorted(where.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in kept[KEEP:]:
            old.unlink(missing_ok=True)
