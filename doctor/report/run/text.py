"""The report of a run in plain words: a few lines at its end, and a screen of them for the run folder."""

from __future__ import annotations

from pathlib import Path

from doctor.base.text import clean
from doctor.findings import Finding
from doctor.findings.run import FirstFailure, Memory, RunReport
from doctor.report.run.figures import figure_lines
from doctor.report.run.units import size, span


def closing(report: RunReport, after: float, folder: Path | None) -> list[str]:
    """What the terminal shows of a failure, in a few lines; the rest is in the report, where one could be kept."""
    lines = [f"{report.sentence}, {span(after)} after the start"]
    lines += [f"cause, from the log: {f.message}" for f in report.findings[:1] if f.confidence != "low"]
    first = report.first_failure
    if first and first.pid != next((p.pid for p in report.processes), None):
        lines.append(f"first to fail: process {first.pid} ({first.title}) {first.sentence}")
    return [clean(x) for x in (*lines, *([f"full report: {folder / 'report.txt'}"] if folder else []))]


def run_text(report: RunReport) -> str:
    """The report for people; plain text, no colors, nothing that a terminal acts on."""
    after = f", after {span(report.duration_seconds)}." if report.duration_seconds else "."
    lines = [f"How it ended: {report.sentence}{after}"]
    lines += [f"  {x}" for x in report.cause.evidence if x != report.sentence]
    lines += _first_lines(report.first_failure)
    lines += _cause_lines(report.findings)
    lines += [f"Left running: process {s.pid} ({s.title or ''})" for s in report.survivors]
    lines += [f"GPU error: Xid {x.xid} on {x.device}, pid {x.pid}: {x.line}" for x in report.xid]
    lines += [f"Kernel: {x.line}" for x in report.kernel]
    lines += [f"Core dump: {c.file or c.hint}" for c in report.core]
    lines += [f"Ready: {r.text}" for r in report.ready]
    lines += _memory_lines(report.memory) + figure_lines(report.figures)
    lines += [f"Warning: {w}" for w in report.warnings] + [f"Note: {n}" for n in report.notes]
    for trace in report.traces[-2:]:
        lines += ["", *(f"  {line}" for line in trace)]
    lines += ["", f"Last lines of the log ({size(report.log.bytes)}):", *(f"  {line}" for line in report.tail[-25:])]
    return clean("\n".join(lines)) + "\n"


def _first_lines(first: FirstFailure | None) -> list[str]:
    if first is None:
        return []
    name = first.title or " ".join(first.cmd or ())[:60]
    when = span(first.exited_after)
    return [f"First to fail: process {first.pid} ({name}) {first.sentence}, {when} after the start."]


def _cause_lines(findings: tuple[Finding, ...]) -> list[str]:
    """The likeliest cause with where it stands in the log and the ways out, and the next ones in a line each."""
    lines: list[str] = []
    for place, finding in enumerate(findings[:3]):
        where = next((e.source for e in finding.evidence if e.fact == "log"), None)
        code = f" ({', '.join(filter(None, (finding.rule, where)))})"
        sure = "" if finding.confidence == "high" else "possibly: " if place == 0 else ""
        lines.append(f"{'Also in the log' if place else 'Cause, from the log'}: {sure}{finding.message}{code}")
        if not place:
            lines += [f"  fix: {r.title}" for r in finding.remediations[:4]]
    return lines


def _memory_lines(memory: Memory | None) -> list[str]:
    if memory is None:
        return []
    out = f"Memory: at most {size(memory.rss_peak)} resident"
    if memory.host_available_lowest is not None:
        out += f", the host had at least {size(memory.host_available_lowest)} left"
    gpus = ", ".join(f"GPU {g}: at most {size(v)} in use" for g, v in memory.gpu_peak.items())
    return [out + (f"; {gpus}" if gpus else "") + "."]
