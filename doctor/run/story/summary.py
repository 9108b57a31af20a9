"""The report of a run in plain words: a few lines at its end, and a screen of them for the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doctor.run.story import endings


def closing(report: dict[str, Any], after: float, folder: Path) -> list[str]:
    """What the terminal is told of a failure, in a few lines; the rest is in the report."""
    lines = [f"{report['sentence']}, {endings.span(after)} after the start"]
    lines += [f"cause, by the log: {f.get('message')}" for f in report["findings"][:1] if f.get("confidence") != "low"]
    first = report["first_failure"]
    if first and first["pid"] != next((p["pid"] for p in report["processes"]), None):
        lines.append(f"first to fail: process {first['pid']} ({first.get('title')}) {first['sentence']}")
    return [*lines, f"the whole story: {folder / 'report.txt'}"]


def text(report: dict[str, Any]) -> str:
    """The report for people; plain text, no colours, nothing that a terminal acts on."""
    lines = [
        f"How it ended: {report['sentence']}"
        + (f", after {endings.span(report['duration_seconds'])}." if report["duration_seconds"] else ".")
    ]
    lines += [f"  {x}" for x in report["cause"]["evidence"] if x != report["sentence"]]
    first = report["first_failure"]
    if first:
        name = first.get("title") or " ".join(first.get("cmd", []))[:60]
        lines.append(
            f"First to fail: process {first['pid']} ({name}) {first['sentence']}, "
            f"{endings.span(first['exited_after'])} after the start."
        )
    lines += _cause_lines(report["findings"])
    lines += [f"Left running: process {s['pid']} ({s.get('title', '')})" for s in report["survivors"]]
    lines += [f"GPU error: Xid {x['xid']} on {x['device']}, pid {x['pid']}: {x['line']}" for x in report["xid"]]
    lines += [f"Kernel: {x['line']}" for x in report["kernel"]]
    lines += [f"Core dump: {c.get('file') or c.get('hint')}" for c in report["core"]]
    lines += [_ready_line(r) for r in report["ready"]]
    lines += _memory_lines(report["memory"])
    lines += [f"Warning: {w}" for w in report["warnings"]] + [f"Note: {n}" for n in report["notes"]]
    for trace in report["traces"][-2:]:
        lines += ["", *(f"  {line}" for line in trace)]
    lines += [
        "",
        f"Last lines of the log ({endings.size(report['log']['bytes'])}):",
        *(f"  {line}" for line in report["tail"][-25:]),
    ]
    return "\n".join(lines) + "\n"


def _cause_lines(findings: list[dict[str, Any]]) -> list[str]:
    """The likeliest cause with where it stands in the log and the ways out, and the next ones in a line each."""
    lines: list[str] = []
    for place, finding in enumerate(findings[:3]):
        where = next((e.get("source") for e in finding.get("evidence", []) if e.get("fact") == "log"), None)
        code = f" ({', '.join(filter(None, (finding.get('code'), where)))})"
        sure = "" if finding.get("confidence") == "high" else "perhaps: " if place == 0 else ""
        lines.append(f"{'Also in the log' if place else 'Cause, by the log'}: {sure}{finding.get('message', '')}{code}")
        if not place:
            lines += [f"  way out: {r.get('title', '')}" for r in finding.get("remediations", [])[:4]]
    return lines


def _ready_line(ready: dict[str, Any]) -> str:
    return f"Ready: {ready.get('text', '')}"


def _memory_lines(memory: dict[str, Any]) -> list[str]:
    if not memory:
        return []
    out = f"Memory: at most {endings.size(memory['rss_peak'])} resident"
    if memory.get("host_available_lowest") is not None:
        out += f", the host had at least {endings.size(memory['host_available_lowest'])} left"
    gpus = ", ".join(f"GPU {g}: at most {endings.size(v)} in use" for g, v in memory["gpu_peak"].items())
    return [out + (f"; {gpus}" if gpus else "") + "."]
