"""The body of an answer, piece by piece: unpacked within a limit, and whole or an error."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from doctor.base.text import one_line
from doctor.remote.errors import RemoteError

if TYPE_CHECKING:
    import requests

BLOCK = 64 << 10
_GZIP = ("gzip", "x-gzip", "deflate")


def pieces(answer: requests.Response, limit: int, cut: bool, whose: str, *, prompt: bool = False) -> Iterator[bytes]:
    """At most `limit` bytes; what is more is an error, or with `cut` left where it is. Raises RemoteError.

    `prompt`: a piece is given as soon as it has come, not once a block is full.
    """
    packed = answer.headers.get("Content-Encoding", "").strip().lower()
    blocks = _received(answer, limit, whose, _reader(answer.raw, prompt))
    if packed in _GZIP and answer.status_code == 200:
        blocks = _unpacked(blocks, limit, packed)
    elif packed not in ("", "identity"):
        raise RemoteError("answer", f"{whose} sent data compressed as {one_line(packed, 40)}, which was not requested")
    left = limit
    for block in blocks:
        if len(block) > left:
            if not cut:
                raise RemoteError("size", f"{whose} sent more than the {limit} bytes that are read")
            block = block[:left]
        left -= len(block)
        yield block
        if cut and left <= 0:
            return


def _reader(raw: Any, prompt: bool) -> Callable[[int], bytes]:
    """Reads some bytes of a body; `prompt` what is there, byte by byte with an urllib3 that cannot do better."""
    if not prompt:
        return lambda most: raw.read(most, decode_content=False)
    if hasattr(raw, "read1"):
        return lambda most: raw.read1(most, decode_content=False)
    return lambda most: raw.read(1, decode_content=False)


def _received(answer: requests.Response, limit: int, whose: str, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The bytes as they come. Read by `http.client`, which bounds the lines between the parts of a chunked body."""
    claimed = answer.headers.get("Content-Length", "")
    expected = int(claimed) if claimed.isascii() and claimed.isdecimal() and len(claimed) < 19 else None
    if "chunked" in answer.headers.get("Transfer-Encoding", "").lower():
        expected = None
    got = 0
    while block := read(min(BLOCK, limit + 1 - got)):
        got += len(block)
        yield block
        if got > limit:
            raise RemoteError("size", f"{whose} sent more than the {limit} bytes that are read")
    if expected is not None and got < expected:
        raise RemoteError("connection", f"{whose} dropped the connection in the middle of its answer")


def _unpacked(blocks: Iterator[bytes], limit: int, packed: str) -> Iterator[bytes]:
    """gzip or deflate, unpacked no further than one byte over the limit. Raises zlib.error for damage."""
    out, machine = 0, zlib.decompressobj(zlib.MAX_WBITS if packed == "deflate" else 16 + zlib.MAX_WBITS)
    for block in blocks:
        while block and not machine.eof and out <= limit:
            data = machine.decompress(block, BLOCK)
            out += len(data)
            block = machine.unconsumed_tail
            if data:
                yield data
    if not machine.eof and out <= limit:
        raise zlib.error("incomplete")
