"""The beginning of a log, kept while it is read: what a report states of an environment stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doctor.explain.encoding import text_of, transcoder

if TYPE_CHECKING:
    from doctor.explain.reading import Stream

MOST = 256 << 10  # bytes


class Beginning:
    """Keeps the first `MOST` bytes of whatever is read through it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._stream: Stream | None = None

    def of(self, stream: Stream) -> Beginning:
        """Itself, reading from `stream`."""
        self._stream = stream
        return self

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        found = self._stream.read(size) if self._stream is not None else b""
        if len(self.data) < MOST:
            self.data += found[: MOST - len(self.data)]
        return found

    @property
    def text(self) -> str:
        """What was kept, as text."""
        data = bytes(self.data)
        decoder = transcoder(data)
        return decoder.decode(data, True) if decoder is not None else text_of(data)
