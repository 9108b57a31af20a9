"""A report as GitHub's workflow commands: each finding becomes an annotation beside the line it is about."""

from __future__ import annotations

from doctor.base.text import clean, one_line
from doctor.findings import Finding, Report
from doctor.report.content import SIGNS, answer
from doctor.report.places import place_of
from doctor.report.settings import launch_name, settings_rows

LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def report_to_github(report: Report) -> str:
    """One line for each finding, then the verdict; no text from outside can begin a command of its own."""
    kind, said = answer(report)
    lines = [_annotation(report, finding) for finding in report.findings]
    lines.append(f"{SIGNS[kind]} {_named(report)}{one_line(said)}")
    lines += [f"  {label}: {one_line(text)}" for label, text in settings_rows(report)]
    return "".join(f"{line}\n" for line in lines)


def _named(report: Report) -> str:
    return f"[{name}] " if (name := launch_name(report)) else ""


def _annotation(report: Report, finding: Finding) -> str:
    place = place_of(report, finding)
    title = f"{_named(report)}{finding.rule} {finding.name}"
    parts = [f"file={_property(place.path)}"] if place else []
    parts += [f"line={place.line}"] if place and place.line else []
    parts.append(f"title={_property(title)}")
    text = "\n".join([finding.message, *(f"Fix: {way.text}" for way in finding.remediations[:1])])
    return f"::{LEVELS[finding.severity]} {','.join(parts)}::{_data(text)}"


def _data(text: str) -> str:
    """As the runner's own toolkit escapes it: %, carriage return, newline."""
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")
