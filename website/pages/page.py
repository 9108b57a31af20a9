"""What a generated page is, and how text of the program becomes Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SPECIAL = re.compile(r"([\\*_\[\]<>|#~])")
_CODE = re.compile(r"(`+[^`]+`+)")


@dataclass(frozen=True)
class Page:
    """A file of the site by its path in it. Only Markdown has a title and stands in the navigation."""

    path: str
    text: str
    title: str = ""


def escaped(text: str) -> str:
    """Text that Markdown shows as it is; what is in backticks stays code."""
    return "".join(p if n % 2 else _SPECIAL.sub(r"\\\1", p) for n, p in enumerate(_CODE.split(text)))


def block(text: str, language: str = "text") -> str:
    """A block of code whose fence no line of it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; its cells are Markdown already."""
    names = [*head]
    lines = [names, ["---"] * len(names), *([*row] for row in rows)]
    return "".join(f"| {' | '.join(cell.replace(chr(10), ' ') for cell in line)} |\n" for line in lines)


def indented(text: str) -> str:
    """A block as the inside of an admonition."""
    return "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())
