"""An exception read to its end: the lines its message goes on over, pydantic's reasons, the program's own advice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from doctor.base.late import late_pattern
from doctor.explain.lines import Line
from doctor.explain.traces import Trace

LINES = 24
LENGTH = 1200
_HEADLINE = late_pattern(r"\d{1,4} validation errors? for (?P<model>[\w.\[\], ]{1,120})")
_TAIL = late_pattern(r" ?\[type=[^\n]{0,2000}$")
_URL = late_pattern(r"\s*For further information visit \S{1,200}")
_LABEL = late_pattern(
    r"(?i)^\W{0,3}(?:solutions?|fix|how to fix|hints?|suggestions?|workarounds?|resolution|recommendations?)"
    r"\s?:\s{0,12}(?P<text>\S[^\n]{0,600})"
)
_ADVISES = late_pattern(
    r"(?:please|try|use|set|consider|make sure|ensure|you (?:can|must|may|should|need)|either|increase|decrease|reduce|"
    r"(?:re)?install|upgrade|downgrade|update|run|pass|specify|disable|enable|provide|lower|add|remove|switch|"
    r"to (?:fix|disable|enable|resolve|use|avoid|solve|bypass|skip)|if (?:you|your)|alternatively|or (?:set|use))\b",
    re.I,
)
# What sends the reader elsewhere, or only to more output.
_POINTS = late_pattern(
    r"(?i)\b(?:report|file|open|raise|submit) (?:this|an?|it|the)\b|for (?:more|further|debugging|details)|"
    r"see (?:the |also|http|above)|refer to|check the (?:log|server|stack)|contact|CUDA_LAUNCH_BLOCKING|"
    r"TORCH_USE_CUDA_DSA|search for|set `?\w{0,40}(?:DEBUG|VERBOSE)"
)
_SENTENCE = late_pattern(r"(?<=[.!?])\s+(?=[A-Z`'\"(-])|\n")
_RULE = late_pattern(r"^[-=*#_~\s]{3,}$")


def message_of(trace: Trace, lines: Sequence[Line]) -> str:
    """The whole message: the first line and those it goes on over, at most `LENGTH` characters, lines kept apart.

    `lines` are those that belong to the traceback, in order.
    """
    raised = next((n for n in lines if n.number == trace.number), None)
    parts = [trace.message]
    for line in lines:
        if raised is None or line.number <= trace.number:
            continue
        same = line.who == raised.who and line.level == raised.level and line.stamped == raised.stamped
        if line.role != "text" or not same or line.number - trace.number > LINES:
            break
        parts.append(line.text)
    if headline := _HEADLINE.match(trace.message):
        return _reasons(headline["model"], parts[1:]) or trace.message
    return "\n".join(p for p in parts if p.strip() and not _RULE.match(p))[:LENGTH]


def _reasons(model: str, parts: Sequence[str]) -> str:
    """What pydantic found wrong with `model`: `field: reason` for each, without its types and addresses."""
    out: list[str] = []
    field = ""
    for part in parts:
        if part.strip() and not part.startswith(" "):
            field = part.strip()
        elif part.strip() and not _URL.match(part):
            reason = _TAIL.sub("", part.strip()).removeprefix("Value error, ").removeprefix("Assertion failed, ")
            out.append(f"{field}: {reason}" if field else reason)
            field = ""
    return f"{model.strip()}: {'; '.join(out[:4])}"[:LENGTH] if out else ""


def advice_in(message: str) -> list[str]:
    """The sentences in which the program itself says what to do, at most four."""
    out: list[str] = []
    for sentence in _SENTENCE.split(message[:LENGTH]):
        text = re.sub(r"\s+", " ", sentence).strip(" -*")
        if _POINTS.search(text[:120]):
            continue
        labelled = _LABEL.match(text)
        if labelled:
            out.append(labelled["text"])
        elif len(text) > 12 and _ADVISES.match(text):
            out.append(text)
    return out[:4]
