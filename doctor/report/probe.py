"""What became of the questions to a running server: for a terminal, for `--quiet`, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from doctor.base.json_object import JsonObject
from doctor.base.text import clean, plural
from doctor.findings import SEVERITIES, RuleResult
from doctor.findings.json import finding_to_json, scrubbed
from doctor.findings.probe import ProbeReport
from doctor.report.content import ANSWERS, SIGNS, Answer

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA = 1
_SIGN = {"pass": "✓", "fail": "✗", "open": "○", "notApplicable": "–", "broken": "✗"}


def probe_to_json(report: ProbeReport, versions: dict[str, str]) -> JsonObject:
    """The whole answer as plain values, in the form of `check`."""
    data: JsonObject = scrubbed({
        "schema": SCHEMA, "versions": versions,
        "server": {"url": report.url, "name": report.server, "model": report.model, "served": list(report.served)},
        "results": [
            {"code": r.code, "name": r.name, "status": r.status, "reason": r.reason} for r in report.results
        ],
        "figures": report.figures,
        "findings": [finding_to_json(f) for f in report.findings],
        "summary": {s: report.count(s) for s in SEVERITIES} | {"open": _open(report)},
    })  # fmt: skip
    return data


def print_probe(report: ProbeReport, console: Console) -> None:
    """Prints the answer first, then each check on a line, then each problem."""
    from doctor.report.rows import Rows
    from doctor.report.terminal import print_finding

    out, (kind, said) = Rows(console), answer(report)
    out.block(f"{SIGNS[kind]} {said}", style=ANSWERS[kind])
    server = f"{report.url} ({report.server})" if report.server else report.url
    out.block(f"{server}, model {report.model or 'unknown'}", "  ", style="dim")
    out.blank()
    for result in report.results:
        out.row(f"{_SIGN[result.status]} {result.name}", _line(result), indent="  ")
    for finding in report.findings:
        if finding.severity != "note":
            out.blank()
            print_finding(finding, out)


def answer(report: ProbeReport) -> tuple[Answer, str]:
    """What came out, and the sentence that says so."""
    errors, warnings, left = report.count("error"), report.count("warning"), _open(report)
    if errors:
        return "error", f"The server does not work as it should. {plural(errors, 'error')}."
    if left:
        also = f"{plural(warnings, 'warning')}, " if warnings else ""
        return "open", f"No errors found; {also}not everything could be checked."
    if warnings:
        return "warning", f"The server works; {plural(warnings, 'warning')} to look at."
    if not any(r.status == "pass" for r in report.results):
        return "open", "Nothing was asked: every check was left out."
    return "pass", "The server does all that was asked."


def summary_lines(report: ProbeReport) -> Iterator[str]:
    """One line for each check and each problem, without layout: for a log, or beside other output."""
    for result in report.results:
        yield clean(f"{_SIGN[result.status]} {result.name}: {_line(result)}")
    yield from problem_lines(report)


def problem_lines(report: ProbeReport, least: str = "warning") -> Iterator[str]:
    """One line for each kind of finding of at least this severity."""
    for finding in report.findings:
        if finding.rule in finding.follows_from:
            continue
        if SEVERITIES.index(finding.severity) <= SEVERITIES.index(least):  # type: ignore[arg-type, unused-ignore]
            yield clean(f"{finding.severity} {finding.rule} {finding.name}: {finding.message}")


def _line(result: RuleResult) -> str:
    """What came out of one check; the codes of what is wrong stand below in full."""
    found = ", ".join(f"{f.rule} {f.name}" for f in result.findings if f.severity != "note")
    said = result.reason or ""
    if result.status == "open":
        return f"open: {said}"
    return "; ".join(part for part in (found, said) if part)


def _open(report: ProbeReport) -> int:
    return sum(r.status == "open" for r in report.results)
