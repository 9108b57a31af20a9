"""What coordinator and node say to each other: one JSON object a line, behind a mark, over the node's stdin and stdout.

Whatever else a login shell prints is passed over. Nothing is believed: a line and an answer have a largest size, and a
compressed answer is expanded up to its own.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from doctor.base.json_object import JsonObject

MARK = b"\x1eqvl1 "
LONGEST = 24 << 20  # a line
EXPANDED = 192 << 20  # facts of an environment with 1,000 distributions are about 1 MB


class WireError(ValueError):
    """A node said something that cannot be used; one sentence."""


def line_of(message: JsonObject) -> bytes:
    """A message as it is sent."""
    return MARK + json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def message_of(line: bytes) -> JsonObject | None:
    """The message of a line, None for one that is not ours. Raises WireError."""
    begin = line.find(MARK)
    if begin < 0:
        return None
    try:
        found = json.loads(line[begin + len(MARK) :])
    except (ValueError, RecursionError):
        raise WireError("it sent a line that is not JSON") from None
    if not isinstance(found, dict):
        raise WireError("it sent a line that is not an object")
    return found


def packed(value: Any) -> str:
    """A large JSON value as text."""
    return base64.b64encode(zlib.compress(json.dumps(value, ensure_ascii=True).encode(), 6)).decode("ascii")


def unpacked(text: object) -> Any:
    """The value of `packed`. Raises WireError."""
    if not isinstance(text, str):
        raise WireError("it sent no facts")
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text, validate=True), EXPANDED)
        if stream.unconsumed_tail or not stream.eof:
            raise WireError(f"its facts are larger than {EXPANDED >> 20} MiB, or cut off")
        return json.loads(data)
    except (ValueError, zlib.error, RecursionError) as error:
        raise error if isinstance(error, WireError) else WireError("its facts cannot be read") from None
