"""A log that is not read to its end: it says where reading stopped and why, and is less sure."""

from __future__ import annotations

import errno
import io

import pytest

from doctor.explain import bounded, explain_log

CAUSE = b"RuntimeError: UVA is not available\n"
NOISE = b"INFO 03-04 05:06:07 [metrics.py:88] 3 running\n"


class Endless(io.RawIOBase):
    """A beginning, and then the same line for ever, or an error."""

    def __init__(self, first: bytes, error: OSError | None = None) -> None:
        self.first, self.error = first, error

    def read(self, size: int = -1, /) -> bytes:
        if self.first:
            data, self.first = self.first, b""
            return data
        if self.error:
            raise self.error
        return NOISE * (size // len(NOISE))


def test_a_stream_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST", 8 << 20)
    monkeypatch.setattr(bounded.Bounded.__init__, "__defaults__", (8 << 20,))
    first, *_ = explain_log(Endless(CAUSE))
    (said,) = [e for e in first.evidence if e.fact == "stopped reading"]
    assert first.rule == "RUN631" and first.confidence == "medium" and first.evidence[0].source == "line 1"
    assert said.observed is not None and "8388608 bytes: only 8 MiB" in said.observed
    assert said.source is not None and int(said.source.removeprefix("line ")) > 100_000


def test_an_error_of_the_disk_ends_the_log() -> None:
    first, *_ = explain_log(Endless(NOISE * 9 + CAUSE, OSError(errno.EIO, "Input/output error")))
    (said,) = [e for e in first.evidence if e.fact == "stopped reading"]
    assert said.source == "line 10" and said.observed is not None and "input/output error" in said.observed
    with pytest.raises(OSError, match="Input"):
        explain_log(Endless(b"", OSError(errno.EIO, "Input/output error")))


def test_what_is_read_whole_says_nothing_of_it() -> None:
    first, *_ = explain_log(io.BytesIO(NOISE * 9 + CAUSE))
    assert first.confidence == "high" and not [e for e in first.evidence if e.fact == "stopped reading"]
