"""A grid in a line for each range of an engine's releases, the newest first: for agents and logs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from doctor.matrix.grid.cells import Cell, Grid
from doctor.report.grid.ranges import Ranges, Row, ranges, said, span


def grid_to_brief(grid: Grid) -> Iterator[str]:
    """The lines; whoever wants fewer names the releases."""
    shown = ranges(grid)
    model = f", for {grid.family.title}" if grid.family else ""
    yield f"{grid.engine} by {grid.library}{model}; one release in detail: {grid.engine}==VERSION"
    for row in reversed(shown.rows):
        yield f"{grid.engine} {span(row.versions, '-')}: {_row(shown, row)}"


def _row(shown: Ranges, row: Row) -> str:
    pairs = list(zip(shown.columns, row.cells, strict=True))
    runs = [(what, [c for c, _ in group]) for what, group in groupby(reversed(pairs), lambda p: _said(p[1]))]
    return "; ".join(f"{_reach(columns)} {what}" for what, columns in runs)


def _reach(columns: list[tuple[str, ...]]) -> str:
    """From the oldest to the newest release of columns that are given newest first."""
    return span((*columns[-1], *(v for column in columns[-2::-1] for v in column)), "-")


def _said(cell: Cell) -> str:
    why = f" ({cell.name})" if cell.verdict in ("fails", "refused") else ""
    return f"{said(cell)}{why}"
