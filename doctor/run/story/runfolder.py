"""The files of one run: private, written whole or not at all, and read without trust.

`meta.json` is written before the start, `events.jsonl` and `samples.jsonl` grow while the server runs, the report
comes last. Everything but the raw logs is redacted and free of control characters.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

from doctor.base.files import Files
from doctor.base.new_files import create_private

READ_LIMIT = 16 << 20
_FILES = Files()


def write(folder: Path, name: str, data: str) -> None:
    """Writes a file of the run whole or not at all: beside it, flushed to disk, then renamed. Raises OSError."""
    temporary = folder / f".{name}.{os.getpid()}.part"
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    fd = create_private(temporary)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data.encode("utf-8", "replace"))
            file.flush()
            os.fsync(fd)
        temporary.replace(folder / name)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def set_aside(folder: Path, name: str, size: int) -> None:
    """Space for a file that is written later, so that it can be on a full disk too. Raises OSError."""
    fd = create_private(_spare(folder, name), append=True)
    try:
        while size > 0:
            size -= os.write(fd, b" " * size)
    finally:
        os.close(fd)


def write_at_last(folder: Path, name: str, data: str) -> None:
    """As `write`; on a full disk over what was set aside for the file, whose blocks are there. Raises OSError."""
    spare = _spare(folder, name)
    try:
        write(folder, name, data)
    except OSError:
        with spare.open("r+b", buffering=0) as file:
            left = data.encode("utf-8", "replace")
            while left:
                left = left[file.write(left) :]
            file.truncate()
        spare.replace(folder / name)
    with contextlib.suppress(OSError):
        spare.unlink()


def _spare(folder: Path, name: str) -> Path:
    return folder / f".{name}.reserve"


def dump(value: object) -> str:
    """JSON, one key a line, so that it can be read and searched; only characters that no terminal acts on."""
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def load(path: Path) -> dict[str, object]:
    """A JSON object of a run folder; empty when it is missing, too large or damaged."""
    value = load_any(path)
    return value if isinstance(value, dict) else {}


def load_any(path: Path) -> object:
    """Any JSON value of a run folder; None when it is missing, too large or damaged."""
    try:
        return _parsed(_FILES.head(str(path), READ_LIMIT))
    except (ValueError, RecursionError):
        return None


def load_lines(path: Path) -> Iterator[dict[str, object]]:
    """The objects of a `.jsonl` file, one by one; a last line cut short by a crash is skipped."""
    for line in _FILES.head(str(path), READ_LIMIT).split(b"\n"):
        with contextlib.suppress(ValueError, RecursionError):
            value = _parsed(line)
            if isinstance(value, dict):
                yield value


def _parsed(data: bytes) -> object:
    """JSON with finite numbers only. Raises ValueError, RecursionError."""
    return json.loads(data, parse_float=_finite, parse_constant=_finite)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("a number without bounds")
    return value
