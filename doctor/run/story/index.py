"""The index beside many runs: what was read of each, under what its files then were. Never believed beyond that."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from doctor.base.owned import read_owned, write_owned

NAME = ".index"
WORTH = 200  # runs from which on there is one
_LIMIT = 256 << 20
_HEAD = b"qvl-doctor runs 1 "

Key = tuple[int, ...]
Row = list[object]


class Index:
    """That of one folder. Two writers do no harm: each writes a whole file, the last one counts."""

    def __init__(self, base: Path) -> None:
        self._path = base / NAME
        self._old = _load(self._path)
        self._new: dict[str, list[object]] = {}
        self._changed = False

    def get(self, name: str, key: Key) -> Row | None:
        """What was read of the run, if its files still are what they were."""
        found = self._old.get(name)
        if not isinstance(found, list) or len(found) != 2 or found[0] != list(key) or not _sound(found[1]):
            return None
        self._new[name] = found
        return list(found[1])

    def put(self, name: str, key: Key, row: Row) -> None:
        """Remembers a run that has ended."""
        self._new[name] = [list(key), row]
        self._changed = True

    def save(self) -> None:
        """Writes it, where that is worth it and possible."""
        with contextlib.suppress(OSError):
            if len(self._new) < WORTH:
                if self._old:
                    self._path.unlink()
            elif self._changed or len(self._new) != len(self._old):
                write_owned(self._path, _sealed(json.dumps(self._new, separators=(",", ":")).encode()), 0)


def _load(path: Path) -> dict[str, object]:
    """Empty where it is missing, damaged, or could have been written by somebody else."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        head, _, body = read_owned(path, _LIMIT, 0).partition(b"\n")
        if head == _HEAD + hashlib.sha256(body).hexdigest().encode():
            found = json.loads(body)
            return found if isinstance(found, dict) else {}
    return {}


def _sealed(body: bytes) -> bytes:
    return _HEAD + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _sound(row: object) -> bool:
    return isinstance(row, list) and len(row) == 6
