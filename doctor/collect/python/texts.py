"""What the texts of modules say, by their content: each is looked at once, whatever environment it is met in again.

A wheel's files are the same in every environment, and after an upgrade of one package all others are as before. The key
is the digest of the content itself, so that nothing has to be believed of names, times and sizes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from doctor.base.owned import read_owned, write_owned

T = TypeVar("T")
MOST = 40_000  # texts that are kept, those met last
LARGEST = 32 << 20  # bytes of the file


class Texts:
    """The answers kept in the file at `path`; one that is damaged, or that others can write to, holds none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, dict[str, Any]] | None = None
        self._met: dict[str, dict[str, Any]] = {}
        self._changed = False

    def said(self, text: bytes, what: str, work: Callable[[bytes], T]) -> T:
        """What `work` says of `text`, in JSON's types; `what` names the question and the form of its answer."""
        if self._kept is None:
            self._kept = self._read()
        key = hashlib.sha256(text).hexdigest()[:32]
        answers = self._met.get(key)
        if answers is None:
            answers = self._met[key] = self._kept.pop(key, {})
        if what not in answers:
            answers[what] = work(text)
            self._changed = True
        answer: T = answers[what]
        return answer

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            kept = json.loads(read_owned(self._path, LARGEST))
        except (OSError, ValueError, RecursionError):
            return {}
        return {k: v for k, v in kept.items() if isinstance(v, dict)} if isinstance(kept, dict) else {}

    def save(self) -> None:
        """Keeps what is new, whole or not at all. A full or read-only disk is no error."""
        if not self._changed:
            return
        room = max(0, MOST - len(self._met))
        older = list((self._kept or {}).items())[-room:] if room else []
        data = json.dumps(dict([*older, *self._met.items()]), separators=(",", ":")).encode()
        if len(data) <= LARGEST:
            with contextlib.suppress(OSError):
                write_owned(self._path, data)
        self._changed = False
