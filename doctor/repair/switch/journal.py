"""What a transaction has reached, on disk before it matters; and the mark inside a tree that says which one made it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Literal

from doctor.base.opening import first_bytes
from doctor.base.record import dataclass
from doctor.repair.switch.exchange import sync_folder

State = Literal["PREPARED", "SWAPPING", "COMMITTED"]
MARK = ".qvl-doctor.json"
JOURNAL = "journal.json"
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Journal:
    """One transaction: its number, its state and the environment it is about."""

    tx: str
    state: State
    prefix: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Inside a tree that a repair made: the transaction, what it pinned, and the digest of its manifest."""

    tx: str
    pins: dict[str, str]
    digest: str


def write_journal(work: str, journal: Journal) -> None:
    """On disk when this returns."""
    write_durably(os.path.join(work, JOURNAL), asdict(journal))


def read_journal(work: str) -> str:
    """The state that a transaction had reached; empty where it cannot be read."""
    data = _read(os.path.join(work, JOURNAL))
    return str(data.get("state", "")) if isinstance(data, dict) else ""


def write_mark(tree: str, mark: Mark) -> None:
    """Replaces an earlier one without writing through it: that file is shared with another tree."""
    write_durably(os.path.join(tree, MARK), asdict(mark))


def read_mark(tree: str) -> Mark | None:
    """The mark of a tree, or None where no repair made it or the mark cannot be read."""
    data = _read(os.path.join(tree, MARK))
    with suppress(KeyError, TypeError, ValueError, AttributeError):
        return Mark(str(data["tx"]), {str(k): str(v) for k, v in data["pins"].items()}, str(data["digest"]))
    return None


def write_durably(path: str, data: dict[str, Any]) -> None:
    """A JSON file that is whole or not there."""
    text = json.dumps({"schema": 1, **data}, indent=1, sort_keys=True) + "\n"
    write_bytes_durably(path, text.encode())


def write_bytes_durably(path: str, data: bytes) -> None:
    """A file that is whole or not there: written beside, synced, renamed, and its folder synced."""
    beside = f"{path}.tmp"
    with open(beside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(beside, path)
    sync_folder(os.path.dirname(path))


def _read(path: str) -> Any:
    try:
        return json.loads(first_bytes(path, LARGEST, follow=False))
    except (OSError, ValueError, RecursionError):
        return {}
