"""The part of a log that tells how it ended: last lines, native and Python stack traces, last words per process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from doctor.base.secrets.redactor import Redactor
from doctor.run.log.logfile import logs_of, read_ends

TAIL_BYTES = 1 << 18
TAIL_LINES = 60
LINE = 2000
_TRACE_STARTS = ("Fatal Python error:", "terminate called", "*** SIG", "Traceback (most recent call last):")
_WHO = re.compile(r"^[^\n]{0,80}?(?:\(|\b)(?:[\w:.\-]{1,40} )?pid[=:]\s?(\d{1,10})")


def tail_text(folder: Path, redactor: Redactor, size: int = TAIL_BYTES) -> dict[str, str]:
    """The last `size` bytes of each raw log, redacted as a whole, with carriage returns as line ends."""
    out = {}
    for path in logs_of(folder):
        try:
            head, last, _ = read_ends(path, 0, size)
        except OSError:
            continue
        text = (head + last).replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode(_encoding(last), "replace")
        out[path.name] = redactor.text(text)
    return out


def _encoding(data: bytes) -> str:
    """UTF-16 where every second byte is zero (output of Windows programs), else UTF-8."""
    start = data[:4096]
    if len(start) > 16 and start[1::2].count(0) > len(start) * 0.4:
        return "utf-16-le"
    return "utf-8"


def last_lines(text: str, count: int = TAIL_LINES) -> list[str]:
    """The last lines that say something, each bounded."""
    lines = [line.rstrip() for line in text.split("\n")]
    return [_cut(line) for line in lines if line][-count:]


def _cut(line: str) -> str:
    """Both ends of a line that is too long: what failed is as often at its end."""
    line = line.expandtabs(4)
    return line if len(line) <= LINE else f"{line[: LINE // 2]} … {line[-LINE // 2 :]}"


def traces(text: str, most: int = 4) -> list[list[str]]:
    """The last stack traces and last words of native code, each up to the next empty line, 60 lines at most."""
    lines = text.split("\n")
    found = [n for n, line in enumerate(lines) if any(start in line for start in _TRACE_STARTS)]
    return [_block(lines, n) for n in found[-most:]]


def _block(lines: list[str], at: int) -> list[str]:
    out: list[str] = []
    for line in lines[at : at + 60]:
        if not line.strip() and len(out) > 2:
            break
        out.append(_cut(line.rstrip()))
    return out


def by_process(text: str, pids: set[int], count: int = 8) -> dict[str, list[str]]:
    """The last lines of each process that names itself in them (`(EngineCore pid=123)`)."""
    out: dict[str, list[str]] = {}
    for line in text.split("\n")[-4000:]:
        found = _WHO.match(line)
        if found and int(found[1]) in pids:
            kept = out.setdefault(found[1], [])
            kept.append(_cut(line.rstrip()))
            del kept[:-count]
    return out


def facts_of_logs(folder: Path) -> dict[str, Any]:
    """`bytes` written, whether they end with a line's end, `head_dropped`: bytes no longer there; and the files."""
    total, dropped, newline, files = 0, 0, True, []
    for path in logs_of(folder):
        try:
            size = path.stat().st_size
            head, last, middle = read_ends(path, 0, 1 << 16)
        except OSError:
            continue
        total += size
        dropped += _hole(path, size)
        newline = newline and (not size or (head + last).endswith(b"\n"))
        files.append(path.name)
        del middle
    return {"bytes": total, "ended_with_newline": newline, "head_dropped": dropped, "files": files}


def _hole(path: Path, size: int) -> int:
    from doctor.run.log.logfile import extents

    with path.open("rb") as file:
        return size - sum(b - a for a, b in extents(file.fileno(), size))
