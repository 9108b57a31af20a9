"""The answers in the written pages: each is what its command prints, cut after some lines.

`python -m website.answers` writes them anew after a change of what doctor says; tests/docs/test_answers.py compares.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLUMNS, SECONDS = 90, 300
PAGES = ("README.md", "docs/**/*.md")
# <!-- answer: 12 --> stands above a block of commands: that many lines of each answer are shown
BLOCK = re.compile(r"<!-- answer: (?P<lines>\d+) -->\n```console\n(?P<body>.*?)^```$", re.M | re.S)
NOT_FROM_HERE = ("VIRTUAL_ENV", "CONDA_PREFIX", "NO_COLOR", "CLICOLOR_FORCE", "LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE")


@dataclass(frozen=True)
class Block:
    """One block of a page: its whole text, how many lines of an answer it shows, its commands and what it says now."""

    page: Path
    text: str
    lines: int
    commands: tuple[str, ...]

    def filled(self) -> str:
        """The text with the answers of today."""
        body = "".join(f"$ {command}\n{shortened(answer(command), self.lines)}" for command in self.commands)
        return f"<!-- answer: {self.lines} -->\n```console\n{body}```"


def pages() -> list[Path]:
    """The pages that people write."""
    return sorted({path for pattern in PAGES for path in ROOT.glob(pattern)})


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in order."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        commands = tuple(line[2:] for line in found["body"].splitlines() if line.startswith("$ qvl-doctor "))
        yield Block(page, found[0], int(found["lines"]), commands)


def answer(command: str, **variables: str) -> str:
    """What a command of a page prints, run from the root of the sources with an empty home, and with `variables` set.

    Raises ValueError where it fails.
    """
    words = shlex.split(command)[1:]
    with tempfile.TemporaryDirectory() as home:
        environ = {k: v for k, v in os.environ.items() if k not in NOT_FROM_HERE and not k.startswith("QVL_")}
        environ |= {"HOME": home, "XDG_CACHE_HOME": f"{home}/cache", "PYTHONPATH": str(ROOT), "COLUMNS": str(COLUMNS)}
        environ |= {"PATH": home, "QVL_DOCTOR_NVML": home, **variables}  # no environment, no driver of this machine
        done = subprocess.run(
            [sys.executable, "-m", "doctor", *words], capture_output=True, text=True, timeout=SECONDS, env=environ,
            cwd=ROOT, check=False,
        )  # fmt: skip
    if done.returncode not in (0, 1):
        raise ValueError(f"{command}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def shortened(text: str, most: int) -> str:
    """The first lines, with `...` for the rest; no line keeps the blanks at its end."""
    lines = [line.rstrip() for line in text.rstrip().splitlines()]
    shown = lines if len(lines) <= most else ["\n".join(lines[:most]).rstrip(), "..."]
    return "".join(f"{line}\n" for line in shown)


def main() -> None:
    """Writes today's answers into all pages."""
    for page in pages():
        text = old = page.read_text(encoding="utf-8")
        for block in blocks(page):
            text = text.replace(block.text, block.filled())
        if text != old:
            page.write_text(text, encoding="utf-8")
            print(f"{page.relative_to(ROOT)}: answers written")


if __name__ == "__main__":
    main()
