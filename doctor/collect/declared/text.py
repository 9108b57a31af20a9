"""Text files that somebody else wrote, read within bounds."""

from __future__ import annotations

import codecs
import shlex
from pathlib import PurePath

from doctor.base.files import Files, Unreadable
from doctor.base.text import one_line
from doctor.collect.python.target import TargetError
from doctor.facts import Problem

LARGEST = 1 << 20
LONGEST_LINE = 8192
MOST_LINES = 20_000
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_text(path: str, option: str, limit: int = LARGEST) -> str:
    """The text of a file that the user named with `option`. Raises TargetError with one sentence."""
    try:
        data = Files(None).read(path, limit)
    except Unreadable as error:
        raise TargetError(f"`{one_line(path, 200)}`, given as `{option}`, {error}") from None
    text = decoded(data)
    if "\0" in text:
        raise TargetError(f"`{one_line(path, 200)}`, given as `{option}`, is not a text file")
    return text


def decoded(data: bytes) -> str:
    """Text by its byte order mark, else UTF-8; what is not valid becomes replacement characters."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


def logical_lines(text: str, path: str, problems: list[Problem]) -> list[tuple[int, str]]:
    """Lines joined over a backslash at the end, each with its first number. Too long or too many is a problem."""
    out: list[tuple[int, str]] = []
    parts: list[str] = []
    first = 1
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        problems.append(Problem(path, f"`{name_of(path)}` has {len(lines)} lines, and only {MOST_LINES} are read"))
    for number, line in enumerate(lines[:MOST_LINES], 1):
        if not parts:
            first = number
        joined = line.endswith("\\") and not line.lstrip().startswith("#")
        parts.append(line[:-1] if joined else line)
        if not joined:
            out.append((first, "".join(parts)))
            parts = []
    if parts:
        out.append((first, "".join(parts)))
    return [(n, line) for n, line in out if _fits(n, line, path, problems)]


def split_words(text: str) -> list[str]:
    """A text split into words as a shell does, at blanks where its quotes do not end."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def name_of(path: str) -> str:
    """A file's name as it is shown."""
    return one_line(PurePath(path).name, 100)


def _fits(number: int, line: str, path: str, problems: list[Problem]) -> bool:
    # hashes make long lines; a single requirement does not
    if len(line) <= 64 * LONGEST_LINE:
        return True
    problems.append(Problem(path, f"line {number} of `{name_of(path)}` is too long for a requirement"))
    return False
