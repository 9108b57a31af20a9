"""A source file without the bodies of its functions.

Importing a module runs its statements, not its functions' bodies; leaving those out makes parsing several times
faster and keeps the trees small. Lines keep their numbers. Where the text is too unusual to cut (the result does not
parse), callers parse the whole file instead.
"""

from __future__ import annotations

import re

_DEF = re.compile(r"^([ \t]*)(?:async[ \t]+)?def[ \t]+\w+", re.M)
_STRINGS = re.compile(r"'''.*?'''|\"\"\".*?\"\"\"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
_HEADER_LINES = 400
_KEEP = 2
PLACEHOLDER = "..."


def lines_of(text: str) -> list[str]:
    """Lines as Python counts them (form feeds and other separators do not break lines)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def skeleton(text: str) -> str:
    """`text` with the body of every function of more than two lines replaced by `...`."""
    lines = lines_of(text)
    out = list(lines)
    done = 0
    for number, line in enumerate(lines):
        if number < done or "def" not in line:
            continue
        match = _DEF.match(line)
        if match is None:
            continue
        region = body_region(lines, number, len(match[1]))
        if region is None:
            continue
        first, end = region
        if end - first > _KEEP:
            out[first] = f"{match[1]} {PLACEHOLDER}"
            out[first + 1 : end] = [""] * (end - first - 1)
            done = end
    return "\n".join(out)


def body_region(lines: list[str], number: int, indent: int) -> tuple[int, int] | None:
    """The line range `[first, end)` of the body of the function whose `def` is at `lines[number]`, 0-based."""
    header = _header_end(lines, number)
    if header is None:
        return None
    end = last = header + 1
    for at in range(header + 1, len(lines)):
        stripped = lines[at].lstrip(" \t")
        if not stripped or stripped == "\f":
            continue
        if len(lines[at]) - len(stripped) <= indent:
            if stripped[0] == "#":
                continue
            break
        last = at + 1
    end = last
    return (header + 1, end) if end > header + 1 else None


def _header_end(lines: list[str], number: int) -> int | None:
    depth = 0
    for at in range(number, min(number + _HEADER_LINES, len(lines))):
        line = lines[at]
        if "'" in line or '"' in line:
            line = _STRINGS.sub("''", line)
        line = line.split("#", 1)[0]
        depth += line.count("(") + line.count("[") + line.count("{")
        depth -= line.count(")") + line.count("]") + line.count("}")
        if depth <= 0:
            return at if line.rstrip().endswith(":") else None
    return None
