"""A manager's file, parsed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from doctor.base.record import dataclass
from doctor.collect.declared.pins import Reading
from doctor.collect.declared.text import name_of

Line = Callable[[str, str, str, Reading], None]


@dataclass
class Manifest:
    """A manager's file: where it lies, its text (for line numbers), its values, and what was chosen of it.

    `chosen` are the extras and groups that the user named behind the file's name: `pyproject.toml[serve]`. `line` reads
    one line as pip's requirement files have them: the line, where it stands, the file and what has been read.
    """

    path: str
    text: str
    chosen: tuple[str, ...]
    line: Line
    data: dict[str, Any] = field(default_factory=dict)

    def at(self, words: str) -> str:
        """The file's name with the line on which these words stand first; the name alone where they do not."""
        place = self.text.find(words) if words else -1
        name = name_of(self.path)
        return name if place < 0 else f"{name}:{self.text.count(chr(10), 0, place) + 1}"
