"""Findings of a log as text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from doctor.base.text import clean
from doctor.findings import Evidence, Finding, Report

WIDTH = 80


def log_text(findings: Sequence[Finding]) -> str:
    """The answer for a log in plain words: the likeliest cause in full, the others in a line or two each."""
    out: list[str] = []
    for place, finding in enumerate(findings):
        if place == 1:
            out += ["", "Also in this log, but less likely the cause:"]
        out += [""] if place else []
        sure = {"high": "the log names it", "medium": "likely", "low": "not certain"}[finding.confidence]
        before = f"; `check` sees it as {', '.join(finding.follows_from)}" if finding.follows_from else ""
        out += _wrapped(f"{finding.rule} {finding.name} ({sure}{before})", "")
        out += _wrapped(finding.message, "  ")
        for evidence in finding.evidence[: 1 if place else 3]:
            out += _evidence(evidence)
        for remedy in finding.remediations[: 1 if place else 6]:
            out += _wrapped(remedy.title, "  -> ", "     ")
    return "\n".join(out) + "\n"


def _evidence(evidence: Evidence) -> list[str]:
    seen = clean(evidence.observed or "", 240).replace("\n", " ")
    return _wrapped(f"{evidence.source or evidence.fact}: {seen}", "  | ", "  |   ")


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    indent = rest if rest is not None else first
    return textwrap.wrap(clean(text), WIDTH, initial_indent=first, subsequent_indent=indent) or [first.rstrip()]


def stated_text(report: Report) -> str:
    """What `check` finds in the environment that the text states, below what its log says; empty for nothing."""
    errors = [f for f in report.findings if f.severity == "error"]
    out = ["", f"{report.facts.target.why.capitalize()}, its environment has this, too (`check`):"] if errors else []
    for finding in errors:
        out += _wrapped(f"{finding.rule} {finding.name}", "")
        out += _wrapped(finding.message, "  ")
        for remedy in finding.remediations[:1]:
            out += _wrapped(remedy.title, "  -> ", "     ")
    return "".join(f"{line}\n" for line in out)
