"""`$NAME` and `${NAME:-default}` as compose files and Dockerfiles write them, and `.env` files. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)(?:(:?[-?+])([^{}$]{0,4096}))?\})")
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]{0,200})\s*=\s*(.*)$")
LONGEST = 1 << 16


def substituted(text: str, values: Mapping[str, str], lacking: set[str] | None = None) -> str:
    """`text` with its variables replaced once; names without value and default go to `lacking` and become empty."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, how, default = match[1] or match[2], match[3] or "", match[4] or ""
        found = values.get(name)
        there = found is not None and (bool(found) or not how.startswith(":"))
        if how.endswith("+"):
            return default if there else ""
        if there:
            return found or ""
        if not how.endswith("-") and lacking is not None:
            lacking.add(name)
        return default if how.endswith("-") else ""

    return _VARIABLE.sub(value, text[:LONGEST])[:LONGEST]


def assignments(text: str) -> dict[str, str]:
    """The variables of a `.env` file: `NAME=value`, quoted or not, comments left out."""
    out: dict[str, str] = {}
    for line in text.splitlines()[:5000]:
        found = _ASSIGNMENT.match(line.strip())
        if found is None:
            continue
        value = found[2].strip()
        if value[:1] in ("'", '"'):
            end = value.find(value[0], 1)
            value = value[1:end] if end > 0 else value[1:]
        else:
            value = re.sub(r"(?:^|\s)#.*$", "", value).strip()
        out[found[1]] = value
    return out
