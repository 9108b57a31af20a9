"""Options of the engines that mean the same, so that one is advised for the other: `matrices/flags.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.matrix.engines import engine_row, serving_engines
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table


@dataclass(frozen=True, slots=True)
class Same:
    """One meaning that several engines have an option for; `differs` says why its value does not carry over."""

    meaning: str
    differs: str | None = None

    def at(self, engine: str) -> tuple[str, ...]:
        """Its names at one engine, the oldest first; short forms such as `-tp` are nobody's word for it elsewhere."""
        names = engine_row(engine).names(self.meaning)
        return tuple(n for n in names if n.startswith("--") or not n.startswith("-"))

    def named(self, name: str) -> bool:
        """Whether any engine calls it so."""
        return any(name in self.at(engine) for engine in serving_engines())


@dataclass(frozen=True, slots=True)
class Equals:
    """The whole file."""

    source: str
    verified: str
    same: tuple[Same, ...]


@cache
def equals() -> Equals:
    """Raises DataError for a file of ours that does not hold what it should."""
    return _load(data_dir() / "flags.yaml")


def _load(path: Path) -> Equals:
    return table(Equals, path)
