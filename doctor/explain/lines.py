"""Log lines without what containers, journals, loggers and launchers put before them, told apart by process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.explain.traces import Trace

_ANSI = late_pattern("\x1b(?:\\[[0-?]{0,32}[ -/]{0,4}[@-~]|\\][^\x07\x1b]{0,256}(?:\x07|\x1b\\\\)|[@-Z\\\\-_])")
SEVERE = ("ERROR", "CRITICAL", "FATAL", "SEVERE")
_LEVEL = r"(?P<level>TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL|SEVERE)"
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"

# Each takes one layer off, from the left. `who` tells interleaved processes apart; `level` is the logger's.
_BY_PAREN = (
    late_pattern(
        r"(?P<who>\((?:[\w.:<>=,-]{1,80} ){0,3}pid=\d{1,9}(?:, ?(?:ip|node)=[\w.:-]{1,60})?[^()\n]{0,40}\)) ?"
    ),
    late_pattern(r"(?P<who>\([A-Za-z_][\w.:-]{0,60}_(?:TP|DP|PP|EP)\d{1,3}\)) "),
)
_BY_BRACKET = (
    late_pattern(r"(?P<who>\[(?:rank|default|local_rank)\d{1,4}\]): ?"),
    late_pattern(r"(?P<who>\[\d{1,4},\d{1,4}\]<std(?:err|out)>): ?"),
    late_pattern(r"\[(?:pod|po)/[\w.-]{1,120}/[\w.-]{1,80}\] "),
    late_pattern(rf"\[{_TIME}(?P<who> (?:TP|DP|PP|EP)\d[\w ]{{0,20}})?\] "),
    late_pattern(r"\[\s{0,8}\d{1,9}\.\d{6}\] "),
    late_pattern(r"\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] "),
    late_pattern(rf"\[{_LEVEL}\]:? "),
    late_pattern(rf"\[{_TIME}[\]|][^\[\]\n]{{0,80}}\[{_LEVEL}\s{{0,4}}\]:? ?"),
)
_BY_DIGIT = (
    late_pattern(rf"{_TIME} std(?:out|err) [FP] "),
    late_pattern(rf"{_TIME}\s{{1,4}}\|\s?{_LEVEL}\s{{0,8}}\|\s[^\n|]{{0,120}}?(?:\s[-|]\s)"),
    late_pattern(rf"{_TIME} - (?P<logger>[\w.]{{1,80}}) - {_LEVEL} - (?:[\w.]{{1,60}}:\d{{1,6}} - )?"),
    late_pattern(rf"{_TIME}[ \t][\w.]{{1,80}} \d{{1,9}} {_LEVEL}\s{{1,8}}"),
    late_pattern(rf"\d\d/\d\d \d\d:\d\d:\d\d - (?P<logger>[\w.]{{1,80}}) - {_LEVEL} - (?:[\w.]{{1,60}}:\d{{1,6}} - )?"),
    late_pattern(
        rf"{_TIME}[ \t]{{1,4}}\[?{_LEVEL}\]?[ \t:]{{1,8}}(?:[\w.]{{1,80}}(?:\.py)?:\d{{1,6}}\]? ?(?:--|-|:)? "
        r"?)?"
    ),
    late_pattern(rf"{_TIME},?[ \t]"),
    late_pattern(r"\d\d:\d\d:\d\d(?:\.\d{1,6})? "),
    late_pattern(r"\d{1,3}\|[\w.-]{1,40}\s{1,20}\| "),
)
_BY_LETTER = (
    late_pattern(rf"{_LEVEL} \d\d-\d\d \d\d:\d\d:\d\d (?:\[[\w./-]{{1,80}}:\d{{1,6}}\]|[\w./-]{{1,80}}:\d{{1,6}}\]) ?"),
    late_pattern(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,64} (?P<who>[\w./@-]{1,64}(?:\[\d{1,9}\])?): "),
    late_pattern(rf"{_LEVEL}: {{1,8}}"),
    late_pattern(rf"{_LEVEL}:[\w.]{{1,80}}:"),
    late_pattern(r"(?P<glog>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d{3,9} {1,4}\d{1,9} [\w./-]{1,160}:\d{1,6}\] "),
    late_pattern(r"[A-Za-z0-9][\w.-]{0,60} {1,20}\| ?"),
)
_GLOG = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL"}
_LAYERS = 6
_BEGIN = "Traceback (most recent call last)"


@dataclass(slots=True)
class Line:
    """One line: its place in the log, the process that wrote it, what it says, and the trace it belongs to.

    `role` is text, frame (`File "x", line n`), code (a source line below a frame) or error (what was raised).
    `aside`: the log itself says that this was ignored, so it is no evidence. `stamped`: a logger's or container's words
    stood before it, `logger`: with this name.
    """

    number: int
    who: str
    text: str
    level: str = ""
    role: str = "text"
    trace: Trace | None = None
    aside: bool = False
    stamped: bool = False
    logger: str = ""


def lines_of(raw: Iterable[tuple[int, str]]) -> list[Line]:
    """Every raw line stripped of its prefixes, in the order of the log.

    A logger that writes its prefix once before a whole traceback owns the bare lines after it.
    """
    out = [_line(number, text) for number, text in raw]
    owner = ""
    for line in out:
        if line.stamped:
            owner = line.who if line.who and _BEGIN in line.text else ""
        elif owner:
            line.who = owner
    return out


def _line(number: int, text: str) -> Line:
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    text = text.rstrip("\r\n")
    whole = len(text)
    who: list[str] = []
    level = logger = ""
    for _ in range(_LAYERS):
        if text.startswith('{"') and text.endswith("}"):
            text, level = _from_json(text, level)
            continue
        match = _layer(text)
        if match is None:
            break
        groups = match.groupdict()
        if groups.get("who"):
            who.append(groups["who"].strip())
        level = groups.get("level") or _GLOG.get(groups.get("glog") or "", "") or level
        logger = groups.get("logger") or logger
        text = text[match.end() :]
    return Line(number, " ".join(who), text, level, stamped=len(text) < whole, logger=logger)


def _layer(text: str) -> re.Match[str] | None:
    patterns: tuple[re.Pattern[str], ...]
    first = text[:1]
    if first == "(":
        patterns = _BY_PAREN
    elif first == "[":
        patterns = _BY_BRACKET
    elif first.isdigit():
        patterns = _BY_DIGIT
    elif first.isalpha():
        patterns = _BY_LETTER
    else:
        return None
    return next((m for p in patterns if (m := p.match(text))), None)


def _from_json(text: str, level: str) -> tuple[str, str]:
    """The message of a JSON log line (docker's json-file, structlog, k8s), or the line without its braces."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return text[1:], level
    if isinstance(record, dict):
        for key in ("log", "message", "msg", "event", "textPayload", "MESSAGE"):
            if isinstance(record.get(key), str):
                said = record.get("level") or record.get("severity") or level
                return record[key].rstrip("\n"), said.upper() if isinstance(said, str) else level
    return text[1:], level
