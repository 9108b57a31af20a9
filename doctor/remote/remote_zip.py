"""A wheel on the index, read by HTTP ranges: its end, its central directory, and the members asked for."""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import IO

from doctor.base.late import late_pattern
from doctor.remote.client import Answer, Client
from doctor.remote.errors import IndexUnavailable, RemoteError, WheelError
from doctor.remote.http import CONNECTIONS, get
from doctor.remote.source import ZipSource

TAIL = 64 << 10
AHEAD = 32 << 10
GAP = 64 << 10
LARGEST_RANGE = 128 << 20
LARGEST_WHEEL = 4 << 30
STREAMED = 16 << 20
PART = 4 << 20  # bytes asked for at once: several connections share a long range, and each part has its own deadline
_METADATA = late_pattern(r"[^/]+\.dist-info/METADATA")
_LOCAL_HEADER = 30  # bytes; its last two pairs are the lengths of the name and of the extra field behind it


def remote_wheel(http: Client, url: str, filename: str, digest: str | None, metadata: str | None = None) -> ZipSource:
    """A wheel behind `url`; downloaded whole only where the server refuses ranges. Raises IndexUnavailable, WheelError.

    `digest` is what the index says of the wheel, `metadata` of its METADATA. A whole download is checked by the digest;
    members read by ranges by their CRC, and METADATA by its own digest.
    """
    first = get(http, url, TAIL, {"Range": f"bytes=-{TAIL}"}, cut=True)
    if first.status == 206:
        return RemoteSource(RangeFile(http, url, first), filename, digest, metadata)
    if first.status not in (200, 416, 501):
        raise IndexUnavailable(f"the index returned {first.status} for {filename}")
    return ZipSource(_whole(http, url, filename, digest), filename, digest)


class RangeFile(io.RawIOBase):
    """A seekable file over HTTP ranges that keeps what it has. `fetched` counts bytes, `asked` requests."""

    def __init__(self, http: Client, url: str, tail: Answer) -> None:
        self._http, self._url = http, url
        self.size = _total(tail)
        self._starts = [self.size - len(tail.body)]
        self._spans = [tail.body]
        self._place, self.fetched, self.asked = 0, len(tail.body), 1
        if len(tail.body) != min(TAIL, self.size):
            raise IndexUnavailable("the index sent a different range of the wheel than requested")

    def fetch(self, spans: Iterable[tuple[int, int]]) -> None:
        """Fetches `[start, stop)` spans that are not here yet, close ones together, a few at once."""
        wanted = _coalesced([s for s in spans if self._held(*s) is None])
        if sum(stop - start for start, stop in wanted) > LARGEST_RANGE:
            raise WheelError(f"reading this wheel needs more than {LARGEST_RANGE} bytes")
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            parts = iter(pool.map(self._range, [part for span in wanted for part in _parts(*span)]))
            for start, stop in wanted:
                self._keep(start, b"".join(next(parts) for _ in _parts(start, stop)))

    def streamed(self, start: int, stop: int) -> Iterator[bytes]:
        """`[start, stop)` piece by piece, nothing of it kept; a connection that breaks off is taken up again."""
        while start < stop:
            span = (start, min(stop, start + PART))
            yield self._range(span)
            start = span[1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fetched with some more if they are not here."""
        stop = self.size if size < 0 else min(self.size, self._place + size)
        if stop <= self._place:
            return b""
        if self._held(self._place, stop) is None:
            self.fetch([(self._place, min(self.size, max(stop, self._place + AHEAD)))])
        data = self._held(self._place, stop)
        if data is None:
            raise WheelError("the server sent less than was requested")
        self._place = stop
        return data

    def _held(self, start: int, stop: int) -> bytes | None:
        near = bisect_right(self._starts, start) - 1
        for at in range(near, max(-1, near - 8), -1):
            offset = start - self._starts[at]
            if offset + (stop - start) <= len(self._spans[at]):
                return self._spans[at][offset : offset + stop - start]
        return None

    def _keep(self, start: int, data: bytes) -> None:
        at = bisect_right(self._starts, start)
        self._starts.insert(at, start)
        self._spans.insert(at, data)
        self.fetched += len(data)
        self.asked += 1

    def _range(self, span: tuple[int, int]) -> bytes:
        start, stop = span
        answer = get(self._http, self._url, stop - start, {"Range": f"bytes={start}-{stop - 1}"})
        if answer.status != 206:
            raise IndexUnavailable(f"the index returned {answer.status} for a range of a wheel it served before")
        if _total(answer) != self.size or len(answer.body) != stop - start:
            raise IndexUnavailable("the index sent a different range of the wheel than requested")
        return answer.body


class RemoteSource(ZipSource):
    """A wheel over ranges; `file` tells what it cost."""

    def __init__(self, file: RangeFile, filename: str, digest: str | None, metadata: str | None = None) -> None:
        super().__init__(file, filename, digest)  # type: ignore[arg-type]
        self.file, self._metadata = file, metadata
        offsets = sorted(i.header_offset for i in self._infos.values())
        self._next = dict(zip(offsets, [*offsets[1:], self._zip.start_dir], strict=True))

    def read(self, member: str, limit: int) -> bytes:
        """As a zip archive's; METADATA must be what the index says it is. Raises WheelError."""
        data = super().read(member, limit)
        if self._metadata and _METADATA.fullmatch(member) and sha256(data).hexdigest() != self._metadata:
            raise WheelError(f"{self.filename}: {member} is not the one that the index names (its sha256 differs)")
        return data

    def prefetch(self, members: Iterable[str]) -> None:
        """Fetches the members' bytes together: each reaches to the start of the one behind it."""
        starts = [self._info(m).header_offset for m in members]
        self.file.fetch((start, max(start, self._next[start])) for start in starts)

    def _inflated(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """Straight from the connection: what is large is not kept beside the archive's other parts."""
        self.file.seek(info.header_offset)
        head = self.file.read(_LOCAL_HEADER)
        start = info.header_offset + _LOCAL_HEADER + sum(int.from_bytes(head[i : i + 2], "little") for i in (26, 28))
        blocks = self.file.streamed(start, start + info.compress_size)
        if info.compress_type == zipfile.ZIP_STORED:
            yield from blocks
            return
        if info.compress_type != zipfile.ZIP_DEFLATED:
            raise WheelError(f"{info.filename} has a compression that wheels do not use")
        unpacked = zlib.decompressobj(-zlib.MAX_WBITS)
        for block in blocks:
            while block and not unpacked.eof:
                yield unpacked.decompress(block, STREAMED)
                block = unpacked.unconsumed_tail
        yield unpacked.flush()


def _whole(http: Client, url: str, filename: str, digest: str | None) -> IO[bytes]:
    """The whole wheel in a temporary file that goes with its handle."""
    file, seen = tempfile.TemporaryFile(), sha256()  # noqa: SIM115 (handed to the caller)
    try:
        for block in http.blocks(url, LARGEST_WHEEL):
            seen.update(block)
            file.write(block)
    except RemoteError as error:
        file.close()
        raise IndexUnavailable(f"{filename} cannot be downloaded: {error}") from None
    if digest and seen.hexdigest() != digest:
        file.close()
        raise WheelError(f"{filename}: its sha256 is {seen.hexdigest()}, the index says {digest}")
    file.seek(0)
    return file


def _total(answer: Answer) -> int:
    total = answer.headers.get("content-range", "").rpartition("/")[2]
    if not (total.isascii() and total.isdecimal() and len(total) < 16):
        raise IndexUnavailable("the server answers a range request without the file size")
    return int(total)


def _parts(start: int, stop: int) -> list[tuple[int, int]]:
    """`[start, stop)` as the ranges that are requested, in order."""
    return [(at, min(stop, at + PART)) for at in range(start, stop, PART)]


def _coalesced(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those less than GAP apart as one."""
    out: list[tuple[int, int]] = []
    for start, stop in sorted(s for s in spans if s[1] > s[0]):
        if out and start - out[-1][1] <= GAP:
            out[-1] = (out[-1][0], max(stop, out[-1][1]))
        else:
            out.append((start, stop))
    return out
