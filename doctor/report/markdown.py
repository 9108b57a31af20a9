"""A report as Markdown: for an issue tracker or a chat, with everything that a helper there would ask for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from doctor.base.documentation import page_of
from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.derived.packages.newer_releases import data_notes
from doctor.findings import Finding, Report
from doctor.report.commands import commands
from doctor.report.content import SIGNS, answer, counted, evidence, head, undecided
from doctor.report.todo import Todo, todo

_SPECIAL = late_pattern(r"([\\*_\[\]<>|#~`&]|:(?=//))")
_CODE = late_pattern(r"(?<!`)(`[^`]+`)(?!`)")


def report_to_markdown(report: Report) -> str:
    """The whole report; nothing from outside can open a tag, a link or a code block."""
    kind, said = answer(report)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    parts = [f"## {SIGNS[kind]} {markdown_text(said)}", ""]
    parts += [f"- **{label}**: {markdown_text(text)}" for label, text in head(report)]
    parts += _todo(todo(report))
    for finding in report.findings:
        parts += ["", *markdown_finding(finding)]
    parts += ["", f"{markdown_text(counted(report))}. Checked with qvl-doctor ({markdown_text(versions)})."]
    for note in data_notes(report.facts):
        parts += ["", markdown_text(f"{note}.")]
    if unsure := undecided(report):
        parts += ["", "<details><summary>What could not be checked</summary>", ""]
        parts += [*(f"- `{code}` {markdown_text(text)}" for code, text in unsure), "", "</details>"]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)) + "\n"


def log_to_markdown(findings: Sequence[Finding], stated: Report | None) -> str:
    """The answer for a log, ready to be posted, and that for the environment which the text states."""
    parts = list[str]()
    for finding in findings:
        parts += ["", *markdown_finding(finding)]
    if stated is not None and any(f.severity == "error" for f in findings):
        errors = [f for f in stated.findings if f.severity == "error"]
        parts += ["", f"## {markdown_text(stated.facts.target.why)}", ""] if errors else []
        for finding in errors:
            parts += ["", *markdown_finding(replace(finding, primary=False))]
    elif stated is not None:
        parts = [report_to_markdown(stated), *parts]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).strip("\n") + "\n"


def _todo(done: Todo) -> list[str]:
    """What to do about the first cause: in words, then every line to paste."""
    lines = [*done.paste]
    if not done.steps and not lines:
        return []
    said = (*done.steps, *done.edits)
    parts = ["", "### What to do", "", *(f"- {markdown_text(one)}" for one in said), ""]
    parts += [*markdown_block(lines), "", markdown_text(done.note), ""] if lines else []
    return [*parts, *(f"- or: {markdown_text(other)}" for other in done.others)]


def markdown_finding(finding: Finding) -> list[str]:
    """A finding with its evidence and fixes."""
    mark = " (start here)" if finding.primary else ""
    follows = f" (follows from {', '.join(finding.follows_from)})" if finding.follows_from else ""
    page = page_of(finding.rule)
    code = f"[`{finding.rule}`](<{page}>)" if page else f"`{finding.rule}`"
    lines = [f"### {finding.severity} {code} {finding.name}{mark}{follows}", "", markdown_text(finding.message), ""]
    lines += [f"- {label}: {markdown_text(text)}" for label, text in evidence(finding)]
    for remediation in finding.remediations:
        lines.append(f"- **fix**: {markdown_text(remediation.text)}")
        typed = commands(remediation)
        if typed:
            lines += ["", *markdown_block(typed), ""]
    return lines


def markdown_block(lines: list[str]) -> list[str]:
    """A code block whose fence no line of it can close."""
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"  {fence}sh", *(f"  {one_line(line)}" for line in lines), f"  {fence}"]


def markdown_text(text: str) -> str:
    """Plain text: words in backticks stay code, everything else that Markdown would read is escaped."""
    pieces = _CODE.split(one_line(text, 4000))
    return "".join(p if n % 2 else _SPECIAL.sub(r"\\\1", p) for n, p in enumerate(pieces))
