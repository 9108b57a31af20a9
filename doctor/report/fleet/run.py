"""How the ranks of `fleet run` ended: for a terminal, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.json_object import JsonObject
from doctor.base.text import plural
from doctor.findings.fleet import EndRow, FleetRun
from doctor.findings.json import scrubbed
from doctor.report.rows import Rows

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA, MOST_LINES = 1, 12


def verdict_of_run(run: FleetRun) -> str:
    """The answer in one sentence."""
    if run.first is None:
        return f"✓ {plural(len(run.ends), 'rank')} ended without a failure."
    others = [e for e in run.ends if e is not run.first and e.status != 0]
    said = run.first.found or run.first.sentence
    more = f" {plural(len(others), 'other rank')} ended because of it." if others else ""
    return f"✗ rank {run.first.rank} on {run.first.name} failed first: {said}{'' if said.endswith('.') else '.'}{more}"


def print_run(run: FleetRun, console: Console) -> None:
    """The verdict, the end of each rank, and the last lines of the one that failed first."""
    out = Rows(console)
    out.block(verdict_of_run(run), style="bold red" if run.first else "bold green")
    for end in sorted(run.ends, key=lambda e: e.order):
        out.row(f"rank {end.rank}", f"{end.name}: {_said(run, end)}", indent="  ")
    if run.first is not None:
        out.blank()
        out.row("why", f"{run.first.name} is taken for the first because {run.why}", indent="  ")
        for line in run.first.tail[-MOST_LINES:]:
            out.row("log", line, indent="  ")
        if run.first.folder:
            out.row("full log", f"{run.first.folder} on {run.first.name}", indent="  ")


def run_to_json(run: FleetRun) -> JsonObject:
    """All of it as plain values."""
    rows = [
        {"name": e.name, "rank": e.rank, "status": e.status, "seconds": e.seconds, "sentence": e.sentence,
         "found": e.found, "folder": e.folder or None, "stopped": e.stopped, "echo": e.echo, "order": e.order,
         "first": e is run.first, "tail": list(e.tail)}
        for e in run.ends
    ]  # fmt: skip
    first = run.first.name if run.first else None
    data: JsonObject = scrubbed({
        "schema": SCHEMA, "versions": run.versions, "first": first, "why": run.why or None, "ranks": rows,
    })  # fmt: skip
    return data


def _said(run: FleetRun, end: EndRow) -> str:
    if end is run.first:
        mark = " (first failure)"
    elif end.stopped:
        mark = " (stopped, since another rank had failed)" if run.first else " (stopped)"
    else:
        mark = " (another rank was gone)" if end.echo else ""
    return f"{end.sentence}, {end.seconds:.1f} s after the start{mark}"
