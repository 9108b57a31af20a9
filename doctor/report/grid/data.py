"""The grid for programs: JSON with ranges and their evidence, CSV with one line a pair of releases."""

from __future__ import annotations

import csv
import io
import json

from doctor.base.json_object import JsonObject
from doctor.base.text import one_line
from doctor.facts.codec import to_json
from doctor.matrix.grid.cells import Cell, Grid
from doctor.report.grid.ranges import Ranges, needed, ranges

SCHEMA = 1
FIELDS = ("engine", "engine_version", "library", "library_version", "verdict", "name", "basis", "evidence", "source")


def grid_to_json(grid: Grid) -> str:
    """The grid in ranges; every release stands in `releases`, and `here` says which are installed."""
    shown = ranges(grid)
    data: JsonObject = {
        "schema": SCHEMA, "engine": grid.engine, "library": grid.library,
        "model": to_json(grid.family) if grid.family else None,
        "here": {"engine": grid.here[0], "library": grid.here[1], "why": grid.why_here or None},
        "columns": [{"releases": list(c)} for c in shown.columns],
        "rows": [_row(shown, i) for i in range(len(shown.rows))],
    }  # fmt: skip
    return json.dumps(data, indent=1, ensure_ascii=True) + "\n"


def grid_to_csv(grid: Grid) -> str:
    """One line for every engine release with every library release, for spreadsheets: no field is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for line in grid.lines:
        for version, cell in zip(grid.columns, line.cells, strict=True):
            first = cell.reasons[0] if cell.reasons else None
            writer.writerow(_plain(f) for f in [
                grid.engine, line.version, grid.library, version, cell.verdict, cell.name, " ".join(cell.basis),
                first.subject if first else "; ".join(s.what for s in cell.seen),
                first.source if first else "; ".join(s.source for s in cell.seen),
            ])  # fmt: skip
    return out.getvalue()


def _plain(text: str) -> str:
    """A field without control characters, that no spreadsheet takes for a formula."""
    out = one_line(text)
    return f"'{out}" if out.startswith(("=", "+", "-", "@")) else out


def _row(shown: Ranges, place: int) -> JsonObject:
    row = shown.rows[place]
    return {
        "releases": list(row.versions), "backends": [b for b in row.backends if b], "note": row.note or None,
        "works": row.works, "cells": [_cell(c) for c in row.cells],
    }  # fmt: skip


def _cell(cell: Cell) -> JsonObject:
    return {
        "verdict": cell.verdict, "name": cell.name or None, "basis": list(cell.basis),
        "reasons": [{"basis": r.basis, "effect": r.effect, "name": r.name, "subject": r.subject, "source": r.source,
                     "backend": r.backend, "fits": needed(r) or None} for r in cell.reasons],
        "seen": [to_json(s) for s in cell.seen],
    }  # fmt: skip
