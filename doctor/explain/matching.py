"""Which known causes a log names, where, and how surely each is the cause and not an echo of another."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import field

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.explain.catalog import Crash, stubs
from doctor.explain.context import Digest
from doctor.explain.lines import SEVERE, Line

WINDOW = 3 << 10
PER_LITERAL = 24
SECONDS = 5.0
_QUIET = ("DEBUG", "TRACE", "INFO", "NOTICE", "WARNING", "WARN")
_WENT_ON = late_pattern(
    r"(?i)warning:|optional|going on without|ignor(?:e|ed|ing)\b|retry(?:ing)?\b|fall(?:ing|s)? ?back|skipp(?:ed|ing)|"
    r"will be disabled|is deprecated|Ignore import error|Exception ignored in|not installed, using|Failed to import "
    r"from vllm\._C with"
)
# an exception as `repr` writes it: Python ends with `Type: text`, so somebody has caught this one and tells of it
_CAUGHT = late_pattern(r"\b[A-Za-z_.]{0,60}(?:Error|Exception)\((?:'|\")")


@dataclass(slots=True)
class Candidate:
    """A known cause at one line of the log; `rank` is the entry's, lowered where the program went on after it."""

    crash: Crash
    line: Line
    match: re.Match[str]
    rank: int
    quiet: bool = False
    seen: int = 1


@dataclass(slots=True)
class _Text:
    """Lines joined for fast search, with the way back from an offset to a line."""

    lines: list[Line] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    text: str = ""

    def line_at(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1


def candidates(digest: Digest) -> list[Candidate]:
    """All matches, the likeliest cause first: by rank, then by place in the log."""
    deadline = time.monotonic() + SECONDS
    said, code = _joined(digest.lines, False), _joined(digest.lines, True)
    found: list[Candidate] = []
    for stub in stubs():
        if not any(w in said.text or w in code.text for w in stub.literals):
            continue
        crash = stub.load()
        if not _admits(crash, digest):
            continue
        found.extend(_matches(crash, code if crash.places == "code" else said))
        if time.monotonic() > deadline:
            break
    _demote_survived(found, digest)
    return sorted(found, key=lambda c: (-c.rank, c.line.number))


def _joined(lines: Sequence[Line], code: bool) -> _Text:
    """Messages (or source lines) of all processes, each process in one piece, exact repetitions once."""
    out = _Text()
    parts: list[str] = []
    place = 0
    seen: set[tuple[str, str, bool]] = set()
    by_process: dict[str, list[Line]] = {}
    for line in lines:
        if (line.role in ("code", "frame")) == code and line.text and not line.aside:
            by_process.setdefault(line.who, []).append(line)
    for who, own in by_process.items():
        for line in own:
            key = (who, line.text, line.trace is not None)
            if key in seen and line.role == "text":
                continue
            seen.add(key)
            out.lines.append(line)
            out.starts.append(place)
            parts.append(line.text)
            place += len(line.text) + 1
    out.text = "\n".join(parts)
    return out


def _admits(crash: Crash, digest: Digest) -> bool:
    if crash.needs and not any(w in digest.text for w in crash.needs):
        return False
    return not any(w in digest.text for w in crash.unless)


def _matches(crash: Crash, where: _Text) -> Iterator[Candidate]:
    """At most one candidate for each different thing that the entry's pattern catches."""
    out: dict[tuple[str | None, ...], Candidate] = {}
    tried: set[int] = set()
    for index in _hits(crash, where):
        if index in tried:
            continue
        tried.add(index)
        line = where.lines[index]
        if crash.frames and not (line.trace and any(f in t.where for t in line.trace.chain() for f in crash.frames)):
            continue
        start = where.starts[index]
        match = crash.regex.search(where.text, start, min(len(where.text), start + WINDOW))
        if match is None or match.start() > start + len(line.text):
            continue
        quiet = not crash.warns and _is_quiet(line)
        key = match.groups()
        if key in out and (out[key].quiet <= quiet):
            out[key].seen += 1
            continue
        out[key] = Candidate(crash, line, match, crash.rank - 45 * quiet, quiet)
    yield from out.values()


def _hits(crash: Crash, where: _Text) -> Iterator[int]:
    for literal in crash.literals:
        at, count = where.text.find(literal), 0
        while at >= 0 and count < PER_LITERAL:
            index = where.line_at(at)
            yield index
            count += 1
            at = where.text.find(literal, where.starts[index] + len(where.lines[index].text) + 1)


def _is_quiet(line: Line) -> bool:
    """Whether the program says this in passing: a warning, an optional part, a retry."""
    if line.role == "error":
        return line.level in _QUIET
    if line.level not in SEVERE and line.trace is None and _CAUGHT.search(line.text[:600]):
        return True
    return line.level in _QUIET or bool(_WENT_ON.search(line.text[:600]))


def _demote_survived(found: list[Candidate], digest: Digest) -> None:
    """What came before the server was ready and was followed by another failure did not stop it."""
    ready = max(digest.life.ready, default=0)
    if any(c.line.number > ready and c.rank >= 30 for c in found):
        for candidate in found:
            if candidate.line.number < ready:
                candidate.rank -= 30
