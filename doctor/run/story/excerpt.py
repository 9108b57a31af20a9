"""The part of a log that tells how it ended: last lines, native and Python stack traces, last words per process."""

from __future__ import annotations

from pathlib import Path

from doctor.base.late import late_pattern
from doctor.base.secrets.redactor import Redactor
from doctor.findings.run import LogState
from doctor.run.log.logfile import logs_of
from doctor.run.log.reading import extents, read_ends

TAIL_BYTES = 1 << 18
TAIL_LINES = 60
LINE = 2000
_TRACE_STARTS = ("Fatal Python error:", "terminate called", "*** SIG", "Traceback (most recent call last):")
_WHO = late_pattern(r"^[^\n]{0,80}?(?:\(|\b)(?:[\w:.\-]{1,40} )?pid[=:]\s?(\d{1,10})")


def tail_text(folder: Path, redactor: Redactor, size: int = TAIL_BYTES) -> dict[str, str]:
    """The last `size` bytes of each raw log, redacted as a whole, with carriage returns as line ends."""
    out = {}
    for path in logs_of(folder):
        try:
            head, last, _ = read_ends(path, 0, size)
        except OSError:
            continue
        out[path.name] = redactor.text(decoded(head + last))
    return out


def decoded(data: bytes) -> str:
    """The text of a log, carriage returns as line ends: UTF-16 where every second byte is zero, else UTF-8.

    The part of a log may begin in the middle of a character.
    """
    start = data[:4096]
    even, odd = start[::2].count(0), start[1::2].count(0)
    wide = len(start) > 16 and max(even, odd) > len(start) * 0.4
    text = data[even > odd :].decode("utf-16-le", "replace") if wide else data.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def last_lines(text: str, count: int = TAIL_LINES) -> tuple[str, ...]:
    """The last lines that say something, each bounded."""
    lines = [line.rstrip() for line in text.split("\n")]
    return tuple(_cut(line) for line in [line for line in lines if line][-count:])


def _cut(line: str) -> str:
    """Both ends of a line that is too long: what failed is as often at its end."""
    line = line.expandtabs(4)
    return line if len(line) <= LINE else f"{line[: LINE // 2]} … {line[-LINE // 2 :]}"


def traces(text: str, most: int = 4) -> tuple[tuple[str, ...], ...]:
    """The last stack traces and last words of native code, each up to the next empty line, 60 lines at most."""
    lines = text.split("\n")
    found = [n for n, line in enumerate(lines) if any(start in line for start in _TRACE_STARTS)]
    return tuple(_block(lines, n) for n in found[-most:])


def _block(lines: list[str], at: int) -> tuple[str, ...]:
    out: list[str] = []
    for line in lines[at : at + 60]:
        if not line.strip() and len(out) > 2:
            break
        out.append(_cut(line.rstrip()))
    return tuple(out)


def by_process(text: str, pids: set[int], count: int = 8) -> dict[str, tuple[str, ...]]:
    """The last lines of each process that names itself in them (`(EngineCore pid=123)`)."""
    out: dict[str, list[str]] = {}
    for line in text.split("\n")[-4000:]:
        found = _WHO.match(line)
        if found and int(found[1]) in pids:
            kept = out.setdefault(found[1], [])
            kept.append(_cut(line.rstrip()))
            del kept[:-count]
    return {pid: tuple(lines) for pid, lines in out.items()}


def state_of_logs(folder: Path) -> LogState:
    """How much was written, and what of it is there."""
    total, dropped, newline, files = 0, 0, True, []
    for path in logs_of(folder):
        try:
            size = path.stat().st_size
            head, last, _ = read_ends(path, 0, 1 << 16)
        except OSError:
            continue
        total += size
        dropped += _hole(path, size)
        newline = newline and (not size or (head + last).endswith(b"\n"))
        files.append(path.name)
    return LogState(total, newline, dropped, tuple(files))


def _hole(path: Path, size: int) -> int:
    with path.open("rb") as file:
        return size - sum(b - a for a, b in extents(file.fileno(), size))
