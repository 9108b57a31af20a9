"""A streamed answer: its events, and when each of them came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import field
from typing import Any

from doctor.base.record import dataclass
from doctor.probe.chat import content_of, reasoning_of, tokens_of
from doctor.probe.talk import Piece, Reply

MOST = 20_000  # events that are read
SHORTEST = 0.02  # seconds between the first and the last piece; less says nothing of the speed


@dataclass
class Streamed:
    """`times` are the seconds at which a piece of text came, `usage` the tokens that the server counted.

    `finished`: a finish reason or `[DONE]` came. `broken` is an event that is not JSON, `error` an error's words.
    """

    times: list[float] = field(default_factory=list)
    text: str = ""
    usage: int | None = None
    finished: bool = False
    broken: str | None = None
    error: str | None = None

    @property
    def tokens(self) -> int:
        """How many tokens came: the server's own count, else the pieces."""
        return self.usage if self.usage else len(self.times)

    @property
    def rate(self) -> float | None:
        """Tokens per second after the first one; None for an answer that is too short or comes at once."""
        spent = self.times[-1] - self.times[0] if self.times else 0.0
        timed = self.tokens > 2 and len(self.times) > 2 and spent >= SHORTEST
        return (self.tokens - 1) / spent if timed else None


def read(reply: Reply) -> Streamed:
    """The stream of an answer, whole or cut."""
    out = Streamed()
    for number, (seconds, line) in enumerate(_lines(reply.pieces)):
        if number >= MOST or out.broken is not None:
            break
        if line.startswith(b"data:"):
            _event(out, seconds, line[5:].strip())
    return out


def _event(out: Streamed, seconds: float, data: bytes) -> None:
    if not data:
        return
    if data == b"[DONE]":
        out.finished = True
        return
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        out.broken = data[:400].decode("utf-8", "replace")
        return
    if not isinstance(event, dict):
        out.broken = data[:400].decode("utf-8", "replace")
    elif event.get("error") or event.get("object") == "error":
        error = event.get("error")
        out.error = str(error.get("message", error) if isinstance(error, dict) else error or event.get("message"))
    else:
        _delta(out, seconds, event)


def _delta(out: Streamed, seconds: float, event: dict[str, Any]) -> None:
    usage = tokens_of(event.get("usage"))
    out.usage = usage if usage is not None else out.usage
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    delta = choice.get("delta")
    if isinstance(delta, dict) and (text := content_of(delta) or reasoning_of(delta)):
        out.text += text
        out.times.append(seconds)
    out.finished = out.finished or bool(choice.get("finish_reason"))


def _lines(pieces: tuple[Piece, ...]) -> Iterator[tuple[float, bytes]]:
    """Whole lines, each at the time when its end came; the last one may lack its end."""
    rest, seconds = b"", 0.0
    for piece in pieces:
        seconds = piece.seconds
        *whole, rest = (rest + piece.data).split(b"\n")
        for line in whole:
            yield seconds, line.rstrip(b"\r")
    if rest:
        yield seconds, rest
