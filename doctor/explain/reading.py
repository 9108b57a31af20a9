"""Reads a log of any size once, in chunks, and keeps what can matter: its beginning, its end, and all near a signal.

A signal is a word that failures are written with. It is looked for in raw bytes, so that gigabytes of requests and
progress bars cost little; only what is kept is ever decoded. The memory is bounded by `BUDGET` whatever the log.
"""

from __future__ import annotations

import codecs
import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from doctor.base.opening import open_regular
from doctor.base.record import dataclass
from doctor.explain.encoding import text_of, transcoder

CHUNK = 1 << 20
HEAD = 96 << 10
TAIL = 192 << 10
BEFORE = 2 << 10
AFTER = 3 << 10
BUDGET = 1 << 20
LINE = 4 << 10

# Every message of the catalogue holds one of these, or lies within reach of one (a test says so). The loud ones are
# looked for everywhere, the others in the first and the last `EDGE` bytes: each costs a pass over the log.
LOUD: tuple[bytes, ...] = (
    b"rror", b"RROR", b"Traceback", b"xception", b"ailed", b"atal", b"illed", b"dumped", b" died", b"terminate called",
    b"annot",
)  # fmt: skip
FAINT: tuple[bytes, ...] = (
    b"ailure", b"f memory", b"llegal", b"borted", b"oom-", b"ismatch", b"not found", b"nable to", b"nsupported",
    b"egmentation", b"NumPy 1", b"invalid opcode", b"NVRM: Xid", b"symbolic link", b"Fallback to", b"No space left",
    b"ould not", b"is not ", b"is required", b"CRITICAL", b"fine-grained", b"bootstrapping", b"ouldn't",
    b"dependency resolver", b"equire", b"unsatisf", b"exited", b"OOMKilled", b"lease install", b"does not", b"ERR!",
    b"NCCL WARN",
)  # fmt: skip
EDGE = 4 << 20


Lines = list[tuple[int, str]]  # of what is kept of a log: the line's number from 1, the raw line without its end


@dataclass(slots=True)
class _Piece:
    number: int
    data: bytes


class Stream(Protocol):
    """Anything that bytes can be read from: a file, standard input, the parts of a log."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        ...


class Parts:
    """The parts of one log, read one after the other. Raises OSError when a part cannot be opened."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = iter(paths)
        self._open: BinaryIO | None = None

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes of the part that is being read, then of the next."""
        while True:
            if self._open is None:
                path = next(self._paths, None)
                if path is None:
                    return b""
                self._open = path.open("rb")
            data = self._open.read(size)
            if data:
                return data
            self.close()

    def close(self) -> None:
        """Closes the part that is being read."""
        if self._open is not None:
            self._open.close()
            self._open = None


def opened(source: Path) -> BinaryIO | Parts:
    """A log file, or a folder's parts (`*.log` by name), as a stream. Raises OSError, also for no regular file."""
    if source.is_dir():
        return Parts(sorted(p for p in source.glob("*.log") if p.is_file()))
    handle, _ = open_regular(source)
    return os.fdopen(handle, "rb")


def read(stream: Stream) -> Lines:
    """The excerpt of a log. Raises OSError."""
    keep = _Keeper()
    for block in _blocks(stream):
        keep.feed(block)
    return keep.excerpt()


def _blocks(stream: Stream) -> Iterator[bytes]:
    """Blocks of whole lines as UTF-8; a line longer than a chunk is cut."""
    rest = b""
    decoder: codecs.IncrementalDecoder | None = None
    first = True
    while chunk := stream.read(CHUNK):
        if first:
            decoder, first = transcoder(chunk), False
        if decoder is not None:
            chunk = decoder.decode(chunk).encode("utf-8", "replace")
        data = rest + chunk if rest else chunk
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end]
            rest = data[end:]
        else:  # an endless line: its two ends stand for it
            rest = data if len(data) <= CHUNK else data[:LINE] + data[-LINE:]
    if decoder is not None:
        rest += decoder.decode(b"", True).encode("utf-8", "replace")
    if rest:
        yield rest


class _Keeper:
    """Decides chunk by chunk what is kept: the head, all windows up to half the budget, the last windows, the tail."""

    def __init__(self) -> None:
        self._first: list[_Piece] = []
        self._last: deque[_Piece] = deque()
        self._first_size = self._last_size = 0
        self._recent: deque[_Piece] = deque()
        self._recent_size = 0
        self._line = 1
        self._size = 0

    def feed(self, block: bytes) -> None:
        """Takes the next block of whole lines."""
        head = HEAD - self._size
        place, line = 0, self._line
        signals = LOUD + FAINT if self._size < EDGE else LOUD
        for start, end in _windows(block, head, signals):
            line += block.count(b"\n", place, start)
            self._keep(_Piece(line, block[start:end]))
            line += block.count(b"\n", start, end)
            place = end
        self._end_of(block)
        self._line += block.count(b"\n")
        self._size += len(block)

    def _keep(self, piece: _Piece) -> None:
        if self._first_size < BUDGET // 2:
            self._first.append(piece)
            self._first_size += len(piece.data)
            return
        self._last.append(piece)
        self._last_size += len(piece.data)
        while self._last_size > BUDGET // 2 and len(self._last) > 1:
            self._last_size -= len(self._last.popleft().data)

    def _end_of(self, block: bytes) -> None:
        """Remembers the last `EDGE` bytes, to be looked through again for the faint signals."""
        self._recent.append(_Piece(self._line, block))
        self._recent_size += len(block)
        while len(self._recent) > 1 and self._recent_size - len(self._recent[0].data) >= EDGE:
            self._recent_size -= len(self._recent.popleft().data)

    def _ending(self) -> Iterator[_Piece]:
        """What is kept of the last blocks: windows of the faint signals, and the tail whole."""
        left = self._recent_size
        for piece in self._recent:
            left -= len(piece.data)
            tail = max(0, len(piece.data) - max(0, TAIL - left))
            spans = _windows(piece.data, 0, FAINT) if self._size > EDGE else []
            for start, end in _whole_lines(piece.data, [*spans, (tail, len(piece.data))] if left < TAIL else spans):
                yield _Piece(piece.number + piece.data.count(b"\n", 0, start), piece.data[start:end])

    def excerpt(self) -> Lines:
        """The kept lines in order, each once."""
        found: dict[int, str] = {}
        for piece in (*self._first, *self._last, *self._ending()):
            for offset, raw in enumerate(_split(piece.data)):
                number = piece.number + offset
                if number not in found:
                    found[number] = text_of(_shown(raw))
        return sorted(found.items())


def _split(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


def _shown(raw: bytes) -> bytes:
    """What a terminal would show at last of a line with carriage returns, at most `LINE` bytes of it."""
    raw = raw.rstrip(b"\r")
    if b"\r" in raw:
        parts = [p for p in raw.split(b"\r") if p.strip()]
        loud = [p for p in parts if any(s in p for s in LOUD[:6])]
        raw = (loud or parts or [b""])[-1]
    return raw if len(raw) <= LINE else raw[: LINE - 1024] + b" " + raw[-1023:]


def _windows(block: bytes, head: int, signals: tuple[bytes, ...]) -> list[tuple[int, int]]:
    """Byte ranges of whole lines to keep: near every signal, and the first `head` bytes."""
    spans = [(0, min(head, len(block)))] if head > 0 else []
    places: list[int] = []
    for signal in signals:
        at = block.find(signal)
        while at >= 0:
            places.append(at)
            at = block.find(signal, at + 512)
    for at in sorted(places):
        spans.append((max(0, at - BEFORE), min(len(block), at + AFTER)))
    out: list[tuple[int, int]] = []
    for start, end in spans:
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return _whole_lines(block, out)


def _whole_lines(block: bytes, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in spans:
        low = block.rfind(b"\n", 0, start) + 1
        high = block.find(b"\n", end) + 1 or len(block)
        if out and low < out[-1][1]:
            low = out[-1][1]
        if low < high:
            out.append((low, high))
    return out
