"""Findings of a log as JSON and as text for a terminal of 80 columns."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any

from doctor import __version__
from doctor.findings import SEVERITIES, Evidence, Finding, Remediation
from doctor.text import clean

WIDTH = 80


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding as the contract's JSON object."""
    place = finding.location
    return {
        "code": finding.rule, "name": finding.name, "severity": finding.severity, "confidence": finding.confidence,
        "primary": finding.primary, "follows_from": list(finding.follows_from), "message": clean(finding.message),
        "location": None if place is None else {k: _clean(v) for k, v in dataclasses.asdict(place).items()},
        "evidence": [{k: _clean(v) for k, v in dataclasses.asdict(e).items()} for e in finding.evidence],
        "remediations": [_remediation(r) for r in finding.remediations],
    }  # fmt: skip


def log_json(findings: Sequence[Finding], matrix: str) -> dict[str, Any]:
    """The answer for a log in the form of `check`."""
    return {
        "schema": 1,
        "versions": {"doctor": __version__, "matrix": matrix},
        "findings": [finding_json(f) for f in findings],
        "summary": {s: sum(f.severity == s for f in findings) for s in SEVERITIES} | {"open": 0},
    }


def log_text(findings: Sequence[Finding]) -> str:
    """The answer for a log in plain words: the likeliest cause in full, the others in a line or two each."""
    out: list[str] = []
    for place, finding in enumerate(findings):
        if place == 1:
            out += ["", "Also in this log, less likely the cause:"]
        out += [""] if place else []
        sure = {"high": "the log names it", "medium": "likely", "low": "not certain"}[finding.confidence]
        out += _wrapped(f"{finding.rule} {finding.name} ({sure})", "")
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


def _clean(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def _remediation(remedy: Remediation) -> dict[str, Any]:
    actions = []
    for action in remedy.actions:
        row = {k: _clean(v) for k, v in dataclasses.asdict(action).items() if v is not None}
        if action.kind == "set_argument":
            row.setdefault("value", None)
        actions.append(row)
    return {"title": clean(remedy.title), "applicability": remedy.applicability, "actions": actions}
