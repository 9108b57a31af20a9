"""Findings of a log as text for a terminal of 80 columns, laid out as `check` lays out its own."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from doctor.base.text import clean
from doctor.findings import Evidence, Finding, Remediation, Report
from doctor.report.commands import together
from doctor.report.content import LABEL, SIGNS

WIDTH = 80
SURE = {"high": "the log names it", "medium": "likely", "low": "not certain"}
_WORDS = frozenset([
    "a", "an", "the", "no", "not", "it", "one", "two", "this", "these", "some", "all", "something", "another", "there",
    "parts", "fewer", "compiled", "with", "pinned", "permission", "old", "less",
])  # fmt: skip
OR = "or "  # how a title begins that is instead of the one before it
WELL = ("RUN005", "RUN006")  # the server did what it was asked to


def log_text(findings: Sequence[Finding]) -> str:
    """The answer for a log: its cause in plain words first, then what shows it, then what else may be the cause."""
    out: list[str] = []
    for place, finding in enumerate(findings):
        if not place:
            out += [*_wrapped(f"{_sign(finding)} {_sentence(finding.message)}", "", "  "), ""]
        elif place == 1:
            out += ["", "Also in this log, less likely the cause:", ""]
        elif place > 1:
            out += [""]
        out += _finding(finding, first=not place)
    return "\n".join(out) + "\n"


def stated_text(report: Report) -> str:
    """What `check` finds in the environment that the text states, below what its log says; empty for nothing."""
    errors = [f for f in report.findings if f.severity == "error"]
    out = ["", f"{report.facts.target.why.capitalize()}, its environment has this, too (`check`):"] if errors else []
    for finding in errors:
        out += ["", f"{finding.severity} {finding.rule} {finding.name}", *_wrapped(finding.message, "  ")]
        out += [line for remedy in finding.remediations[:1] for line in _row("fix", remedy.title)]
    return "".join(f"{line}\n" for line in out)


def _sentence(text: str) -> str:
    """With a capital, where it begins with a word and not with a name."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first in _WORDS else text


def _sign(finding: Finding) -> str:
    if finding.severity == "error":
        return SIGNS["error"]
    return SIGNS["pass" if finding.rule in WELL else "open"]


def _finding(finding: Finding, *, first: bool) -> list[str]:
    said = [*(["start here"] if first and finding.severity == "error" else []), SURE[finding.confidence]]
    if finding.follows_from:
        said.append(f"`check` sees it as {', '.join(finding.follows_from)}")
    out = _wrapped(f"{finding.severity} {finding.rule} {finding.name}  ({'; '.join(said)})", "", "  ")
    out += [] if first else _wrapped(finding.message, "  ")
    for evidence in finding.evidence[: 3 if first else 1]:
        out += _evidence(evidence)
    for remedy in finding.remediations[: 6 if first else 1]:
        other = remedy.title.startswith(OR)
        out += _row("or" if other else "fix", remedy.title.removeprefix(OR))
        out += _commands(remedy) if first and remedy is finding.remediations[0] else []
    return out


def _commands(remedy: Remediation) -> list[str]:
    """The lines to paste, each whole, where the title does not say them."""
    said = "pip install" in remedy.title or remedy.title.startswith(OR)
    return [] if said else [f"{'':{LABEL + 2}}{line}" for line in together(remedy)]


def _evidence(evidence: Evidence) -> list[str]:
    """A line of the log by its number; anything else with its source behind it."""
    seen, source = clean(evidence.observed or "", 240).replace("\n", " "), evidence.source or evidence.fact
    if len(source) < LABEL:
        return _row(source, seen)
    return _row("seen", f"{seen} [{source}]" if seen else source)


def _row(label: str, text: str) -> list[str]:
    return _wrapped(text, f"  {label:<{LABEL}}", " " * (LABEL + 2))


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    indent = rest if rest is not None else first
    return textwrap.wrap(clean(text), WIDTH, initial_indent=first, subsequent_indent=indent) or [first.rstrip()]
