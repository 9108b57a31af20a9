"""The answer about nodes on a terminal: the verdict, who differs in what, the findings, and what to start where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.base.text import clean, one_line
from doctor.findings.fleet import FleetReport
from doctor.report.content import ANSWERS, SIGNS
from doctor.report.fleet.content import (
    differences_of,
    findings_between,
    interpreters,
    kinds_said,
    opened,
    table,
    times,
    verdict,
)
from doctor.report.rows import Rows
from doctor.report.terminal import print_finding

if TYPE_CHECKING:
    from rich.console import Console

MOST_LINES = 8


def verdict_of(report: FleetReport) -> str:
    """The answer on one line."""
    kind, said = verdict(report)
    return f"{SIGNS[kind]} {clean(said)}"


def print_fleet(report: FleetReport, console: Console, *, verbose: bool = False) -> None:
    """Prints all of it; without `verbose`, eight launch lines and no notes."""
    kind, _ = verdict(report)
    out = Rows(console)
    out.block(verdict_of(report), style=ANSWERS[kind])
    out.block(f"{kinds_said(report)}{f' ({times(report)})' if times(report) else ''}", "  ", style="dim")
    if interpreters(report):
        out.block(interpreters(report), "  ", style="dim")
    rows = table(report)
    if len(rows[0]) > 1:
        out.blank()
        widths = [max(len(one_line(row[i])) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            out.line("  " + "  ".join(f"{one_line(cell):<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip())
        for one in report.kinds:
            for name, line in differences_of(one):
                out.row(name, f"{', '.join(one.nodes[:3])}: {line}", indent="  ")
    for finding in findings_between(report):
        out.blank()
        print_finding(finding, out)
    for one in report.kinds:
        shown = [f for f in one.findings if verbose or f.severity != "note"]
        if shown:
            out.blank()
            out.block(f"on {', '.join(one.nodes[:8])}:")
        for finding in shown:
            print_finding(finding, out)
    _open(report, out)
    _launch(report, out, verbose)


def _open(report: FleetReport, out: Rows) -> None:
    listed = list(opened(report))
    if listed:
        out.blank()
    for name, why in listed:
        out.row("open", f"{name}: {why}")


def _launch(report: FleetReport, out: Rows, verbose: bool) -> None:
    lines = [n for n in report.nodes if n.launch]
    if lines:
        out.blank()
        out.block("start")
    for node in lines if verbose else lines[:MOST_LINES]:
        out.row(f"rank {node.rank}", node.name, indent="  ")
        out.commands([node.launch or ""], "    ")
