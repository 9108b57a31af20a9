"""What each engine logs about memory while it starts: typed access to `matrices/memory_lines.yaml`."""

from __future__ import annotations

from functools import cache

from doctor.base.record import dataclass
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table


@dataclass(frozen=True, slots=True)
class MemoryLine:
    """One kind of line: the groups of `pattern` are its figures, `lines` how many lines it takes.

    `add`: there is one such line for each pool of the cache.
    """

    engine: str
    pattern: str
    source: str
    example: str
    add: bool = False
    lines: int = 1


@dataclass(frozen=True, slots=True)
class MemoryLines:
    """The table."""

    verified: str
    lines: tuple[MemoryLine, ...]


@cache
def memory_lines() -> tuple[MemoryLine, ...]:
    """All kinds of lines. Raises DataError for damaged data."""
    return table(MemoryLines, data_dir() / "memory_lines.yaml").lines
