"""TOML that strangers wrote, within our own bounds."""

from __future__ import annotations

import importlib
from typing import Any

from doctor.base.late import late_pattern

MOST_PARTS = 200  # of one dotted key: `a.b.c`
_QUOTED = late_pattern(r"\"[^\"\n]*\"|'[^'\n]*'")


class TomlError(ValueError):
    """No TOML, or nested beyond what is read; the message is one phrase."""


def load(text: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises TomlError, where this Python has no reader for TOML too."""
    if any(_QUOTED.sub("", line).count(".") > MOST_PARTS for line in text.splitlines() if line.count(".") > MOST_PARTS):
        raise TomlError("nested too deeply")  # the reader takes the square of a key's parts in time
    try:
        reader = importlib.import_module("tomllib")
    except ModuleNotFoundError:  # Python 3.10
        try:
            reader = importlib.import_module("tomli")
        except ModuleNotFoundError:
            raise TomlError("not readable with Python 3.10 unless `tomli` is installed") from None
    try:
        data: dict[str, Any] = reader.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        said = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise TomlError(f"not valid TOML: {said[:120]}") from None
    return data
