"""What a code means: that of a rule, or of a known crash."""

from __future__ import annotations

from typing import Protocol

from doctor.base.record import dataclass


class Described(Protocol):
    """A rule, or a crash that is known: both have a name; the text is under one of two names."""

    @property
    def name(self) -> str:
        """The short name."""

    @property
    def explanation(self) -> str:
        """What it means, in full."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code with its short name and what it means."""

    code: str
    name: str
    explanation: str


# what `explain` says of a log that no known crash matches
OWN = (
    Meaning(
        "RUN001", "unknown-exception",
        "An exception ended the server, and no known crash matches it. Read its last line and the first frame"
        " of a package that is not Python's own; the message is shown with both.",
    ),
    Meaning(
        "RUN002", "cut-traceback",
        "The log ends in the middle of a traceback, so the cause is in the part that was cut off. Keep the "
        "whole log, as `qvl-doctor run` does.",
    ),
    Meaning(
        "RUN003", "unknown-error",
        "A line reports an error that no known crash matches. Whether it ended the server is not certain: "
        "look at the lines before and after it.",
    ),
    Meaning(
        "RUN004", "no-failure-in-log",
        "The log has no failure. The server may have been ended from outside, without writing anything: `qvl-"
        "doctor run` records signals, exit status and memory.",
    ),
    Meaning(
        "RUN005", "healthy",
        "The server started and answered requests; nothing in the log ended it.",
    ),
    Meaning(
        "RUN006", "stopped-on-request",
        "The server was asked to stop, and stopped.",
    ),
    Meaning(
        "RUN007", "report-contradicts-itself",
        "A bug report states two things that cannot both be true, such as two versions of one package. The "
        "answer rests on the one that is named: ask which one is right.",
    ),
)  # fmt: skip


def meaning_of(code: str, rule: Described | None) -> Meaning | None:
    """The meaning of a rule's code, else of a crash's; None for one that nobody knows."""
    if rule is not None:
        return Meaning(code, rule.name, rule.explanation)
    if (own := next((one for one in OWN if one.code == code), None)) is not None:
        return own
    from doctor.explain.catalog import find
    from doctor.matrix.answers import explained

    crash = find(code) or explained(code)
    return Meaning(code, crash.name, crash.meaning) if crash is not None else None
