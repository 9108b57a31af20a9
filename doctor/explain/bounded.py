"""A log as a stream that has an end, and that knows where reading stopped before it, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from doctor.findings import Evidence, Finding

if TYPE_CHECKING:
    from doctor.explain.reading import Stream

MOST = 4 << 30  # bytes of a stream of unknown length


class Bounded:
    """At most `most` bytes of a stream. An error behind its first bytes ends it; `why` says in a phrase what did."""

    def __init__(self, stream: Stream, most: int | None = MOST) -> None:
        self._stream = stream
        self._most = most
        self.size = 0
        self.why = ""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end. Raises OSError where nothing at all can be read."""
        if self.why:
            return b""
        try:
            data = self._stream.read(size)
        except OSError as error:
            if not self.size:
                raise
            self.why = (error.strerror or str(error)).lower()
            return b""
        if self._most is not None and self.size + len(data) > self._most:
            self.why = f"only {self._most >> 20} MiB of a stream are read"
            data = data[: self._most - self.size]
        self.size += len(data)
        return data


def with_end(findings: Sequence[Finding], log: Bounded, line: int) -> tuple[Finding, ...]:
    """The findings, the first of them with the place where reading stopped: after `line`, the last that was read.

    What was not read may say something else, so none of them is of high confidence then.
    """
    if not log.why:
        return tuple(findings)
    said = f"reading stopped here, after {log.size} bytes: {log.why}"
    seen = Evidence("stopped reading", said, source=f"line {line}")
    lower = [replace(f, confidence="medium") if f.confidence == "high" else f for f in findings]
    first, *rest = lower
    return (replace(first, evidence=(*first.evidence[:1], seen, *first.evidence[1:])), *rest)
