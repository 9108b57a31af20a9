"""A grid with equal neighbours as one: ranges of releases instead of single ones."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TypeVar

from doctor.base.record import dataclass
from doctor.matrix.grid.cells import Cell, Grid, Line, Reason, Seen

T = TypeVar("T")
VERDICTS = {
    "works": "works",
    "warned": "works, but warns",
    "fails": "fails",
    "refused": "not allowed",
    "unknown": "model not known",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Engine releases that behave the same; `works` is a specifier of the library's releases."""

    versions: tuple[str, ...]
    backends: tuple[str, ...]
    note: str
    works: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Ranges:
    """The same grid in ranges; `here` is the place of the installed releases, row and column."""

    grid: Grid
    columns: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]
    here: tuple[int | None, int | None]

    def at(self) -> Cell | None:
        """The cell of the installed releases, where both are known."""
        row, column = self.here
        return None if row is None or column is None else self.rows[row].cells[column]


def ranges(grid: Grid) -> Ranges:
    """Neighbours whose verdict and name are equal everywhere become one; their evidence is joined."""
    spans = _spans(list(zip(*([_key(c) for c in line.cells] for line in grid.lines), strict=True)))
    columns = tuple(tuple(grid.columns[a:b]) for a, b in spans)
    keys = [(line.backends, line.note, tuple(_key(c) for c in line.cells)) for line in grid.lines]
    rows = tuple(_row(grid.lines[a:b], spans) for a, b in _spans(keys))
    return Ranges(
        grid, columns, rows, (_place([r.versions for r in rows], grid.here[0]), _place(columns, grid.here[1]))
    )


def said(cell: Cell) -> str:
    """The verdict in words."""
    return f"works, {cell.name}" if cell.name.endswith(" only") else VERDICTS[cell.verdict]


def span(versions: tuple[str, ...], dash: str = "–") -> str:
    """`4.42.0–4.51.3`, or the one version."""
    return versions[0] if len(versions) == 1 else f"{versions[0]}{dash}{versions[-1]}"


def needed(reason: Reason) -> str:
    """The library's releases that a reason leaves, in words; empty where the library is not the cause."""
    spec = reason.fits.spec()
    return "" if reason.row else "no release" if spec == "<0" else spec or "every release"


def _row(lines: tuple[Line, ...], spans: list[tuple[int, int]]) -> Row:
    cells = tuple(_joined([c for line in lines for c in line.cells[a:b]]) for a, b in spans)
    first = lines[0]
    return Row(tuple(line.version for line in lines), first.backends, first.note, first.works.spec(), cells)


def _joined(cells: list[Cell]) -> Cell:
    reasons: dict[tuple[str, str, str], Reason] = {}
    seen: dict[Seen, None] = {}
    for cell in dict.fromkeys(cells):
        seen.update(dict.fromkeys(cell.seen))
        for reason in cell.reasons:
            reasons.setdefault((reason.name, reason.subject, reason.source), reason)
    ordered = sorted(reasons.values(), key=lambda r: r.name != cells[0].name)
    return Cell(cells[0].verdict, cells[0].name, tuple(ordered), tuple(seen))


def _key(cell: Cell) -> tuple[str, str]:
    return cell.verdict, cell.name


def _spans(keys: list[T]) -> list[tuple[int, int]]:
    """First and one past the last place of each run of equal keys."""
    out, at = [], 0
    for _, group in groupby(keys):
        count = sum(1 for _ in group)
        out.append((at, at + count))
        at += count
    return out


def _place(spans: Iterable[tuple[str, ...]], version: str | None) -> int | None:
    return next((i for i, versions in enumerate(spans) if version in versions), None)
