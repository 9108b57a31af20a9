"""A report in a few plain lines, below 2 kB: for shells, logs and agents."""

from __future__ import annotations

from doctor.base.text import clean, one_line
from doctor.findings import Report
from doctor.report.content import SIGNS, about
from doctor.report.screen import certainty, screen
from doctor.report.settings import settings_rows

MOST = 2000  # bytes
SENTENCE, COMMAND = 320, 600  # characters
_CUT = "...\n"


def report_to_brief(report: Report) -> str:
    """The verdict, its first cause, what to do, then a line for each other rule that found something or is open."""
    shown = screen(report)
    lines = [f"{SIGNS[shown.kind]} {shown.said}", f"target: {about(report)[0]}"]
    lines += [f"{label}: {text}" for label, text in settings_rows(report)]
    if (cause := shown.cause) is not None:
        lines.append(f"{cause.severity} {cause.rule} {cause.name} ({certainty(cause)}): {cause.message}")
    lines += [f"fix: {step}" for step in shown.todo.steps]
    lines += [f"$ {one_line(line, COMMAND)}" for line in (*shown.todo.lines, shown.todo.start) if line]
    lines += [f"{one.severity} {one.code}: {one.text}" for one in shown.also]
    lines += [f"open: {group.said}" for group in shown.open]
    text = "".join(f"{clean(line if line.startswith('$') else one_line(line, SENTENCE))}\n" for line in lines)
    return text if len(text.encode()) <= MOST else _cut(text)


def _cut(text: str) -> str:
    """Whole lines, as many as there is room for."""
    kept = ""
    for line in text.splitlines(keepends=True):
        if len((kept + line + _CUT).encode()) > MOST:
            break
        kept += line
    return kept + _CUT
