"""The answer about nodes as Markdown; nothing from outside opens a tag, a link or a code block."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.text import clean, one_line
from doctor.findings.fleet import FleetReport
from doctor.report.content import SIGNS
from doctor.report.fleet.content import differences_of, findings_between, kinds_said, opened, table, verdict
from doctor.report.markdown import markdown_block, markdown_finding, markdown_text


def fleet_to_markdown(report: FleetReport) -> str:
    """The whole answer."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: FleetReport) -> Iterator[str]:
    kind, said = verdict(report)
    yield f"## {SIGNS[kind]} {markdown_text(said)}\n\n{markdown_text(kinds_said(report))}\n"
    rows = table(report)
    if len(rows[0]) > 1:
        yield _row(rows[0])
        yield "|" + " --- |" * len(rows[0])
        yield from (_row(row) for row in rows[1:])
        yield ""
        for one in report.kinds:
            for name, line in differences_of(one):
                yield f"- {markdown_text(', '.join(one.nodes[:3]))}, {name}: {markdown_text(line)}"
    for finding in findings_between(report):
        yield from ("", *markdown_finding(finding))
    for one in report.kinds:
        for finding in one.findings:
            yield from ("", f"On {markdown_text(', '.join(one.nodes[:8]))}:", "", *markdown_finding(finding))
    if listed := list(opened(report)):
        yield "\n### Not checked\n"
        yield from (f"- {markdown_text(name)}: {markdown_text(why)}" for name, why in listed)
    if lines := [f"# rank {n.rank}: {one_line(n.name)}\n{clean(n.launch)}" for n in report.nodes if n.launch]:
        yield "\n### Start\n"
        yield from markdown_block(lines)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(markdown_text(one_line(c)) for c in cells) + " |"
