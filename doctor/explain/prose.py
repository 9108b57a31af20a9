"""What a reporter writes around a log: sentences, which are no lines of a program."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.explain.unknown import nothing_in
from doctor.findings import Finding

MOST = 5000  # lines that are looked at
# how a line of a program begins: a level, a time, a process, an exception; a reporter's sentence does not
_LOGGED = late_pattern(
    r"\s*(?:\x1b\[[\d;]*m)?(?:\[?\d{2,4}[-/:]\d|\[?(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL|E\d{4})\b"
    r"|\(\w[^)]{0,60}\) |\[[^\]]{1,40}\] ?(?:\[|\w+:)|[\w.]{1,80}(?:Error|Exception|Exit)\b:|\w+: (?:error|fatal)\b)"
)


def without_prose(findings: tuple[Finding, ...], text: str) -> tuple[Finding, ...]:
    """Without the errors that are a sentence of the reporter's, and no line of a log; never empty."""
    lines = text.split("\n")
    kept = tuple(f for f in findings if f.rule != "RUN003" or _LOGGED.match(_line_of(f, lines) or "ERROR"))
    return kept or (nothing_in(len(lines)),)


def is_prose(text: str) -> bool:
    """Whether no line looks like one of a program's log."""
    return bool(text) and not any(map(_LOGGED.match, text.split("\n")[:MOST]))


def _line_of(finding: Finding, lines: list[str]) -> str:
    """Its line; empty for one behind the beginning that was kept."""
    number = finding.key.rpartition(" ")[2]
    return lines[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(lines) else ""
