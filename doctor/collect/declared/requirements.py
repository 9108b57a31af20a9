"""pip's requirement files: pins, ranges, markers, extras, hashes, URLs, `-r` and `-c`. No URL is opened."""

from __future__ import annotations

import os
import re

from doctor.base.late import late_pattern
from doctor.collect.declared.manifests.kinds import is_manifest, read_manifest
from doctor.collect.declared.manifests.manifest import Manifest
from doctor.collect.declared.pins import MOST_PINS, Reading, located, note_build, note_index, requirement_pins, shown
from doctor.collect.declared.text import LARGEST, logical_lines, name_of, read_text
from doctor.collect.python.target import TargetError
from doctor.facts import Problem

DEEPEST = 10
MOST_FILES = 100
LARGEST_LOCK = 8 << 20  # a lock file lists every wheel with its hash
OF_MANAGERS = (".lock", ".toml", ".yml", ".yaml", ".json")
_COMMENT = late_pattern(r"(^|\s+)#.*$")
_VARIABLE = late_pattern(r"\$\{([A-Z0-9_]{1,100})\}")
_INCLUDE = late_pattern(r"(-r|--requirement|-c|--constraint)(?:\s+|=|(?<=-[rc]))\s*(.+)$")
_EDITABLE = late_pattern(r"(?:-e|--editable)(?:\s+|=)\s*(.+)$")
_PROJECT = late_pattern(
    r"(?:(?:-e|--editable)(?:\s+|=)\s*)?(?:file:)?(\.{1,2}(?:/[\w./-]{0,200})?)(?:\[([\w., -]{0,200})\])?$"
)


def read_requirements(
    path: str, reading: Reading, constraint: bool = False, depth: int = 0, extras: tuple[str, ...] = ()
) -> None:
    """Adds the lines of a requirement file and of those that it names, or what a manager's file declares.

    Raises TargetError for the outermost alone. `extras` are the parts of a project that the user named.
    """
    real = os.path.realpath(path)
    if (real, constraint) in reading.seen:
        return
    if depth > DEEPEST or len(reading.seen) >= MOST_FILES:
        reading.problems.append(Problem(path, f"`{name_of(path)}` is not read: files are nested too deeply"))
        return
    reading.seen.add((real, constraint))
    try:
        text = read_text(path, "--requirements", LARGEST_LOCK if path.endswith(OF_MANAGERS) else LARGEST)
    except TargetError as error:
        if not depth:
            raise
        reading.problems.append(Problem(path, str(error).replace("given as `--requirements`", "which is included")))
        return
    if is_manifest(text) and not constraint:
        read_manifest(Manifest(path, text, extras, line=read_line), reading)
        return
    for number, line in logical_lines(text, path, reading.problems):
        read_line(line, f"{name_of(path)}:{number}", path, reading, constraint, depth)


def read_line(line: str, source: str, path: str, reading: Reading, constraint: bool = False, depth: int = 0) -> None:
    """Adds one line; `path` is the file that includes are relative to."""
    line = _COMMENT.sub("", " ".join(line.split())).strip()  # single blanks: the expressions stay linear
    line = _VARIABLE.sub(lambda m: reading.environ.get(m[1], m[0]), line)
    if not line or len(reading.pins) >= MOST_PINS:
        return
    if include := _INCLUDE.match(line):
        _include(include, path, reading, constraint, depth, source)
    elif (project := _PROJECT.match(line)) and _project(project, path, reading, depth):
        return
    elif editable := _EDITABLE.match(line):
        reading.pins.extend(located(editable[1].strip(), source, reading, constraint))
    elif line.startswith("-"):  # other options choose an index or a cache, not a version
        note_build(line, reading)
        note_index(line, reading)
    else:
        reading.pins.extend(requirement_pins(line, source, reading, constraint))


def _project(found: re.Match[str], path: str, reading: Reading, depth: int) -> bool:
    """Reads the project in a folder that a line installs (`-e .[serve]`); False where none is there."""
    inside = os.path.join(os.path.dirname(path), found[1], "pyproject.toml")
    if not os.path.isfile(inside):
        return False
    extras = tuple(e.strip() for e in (found[2] or "").split(",") if e.strip())
    read_requirements(inside, reading, False, depth + 1, extras)
    return True


def _include(found: re.Match[str], path: str, reading: Reading, constraint: bool, depth: int, source: str) -> None:
    target = found[2].strip().strip("\"'")
    if "://" in target:
        reading.problems.append(Problem(path, f"`{source}` names {shown(target)}, and URLs are not opened"))
        return
    inner = constraint or found[1] in ("-c", "--constraint")
    read_requirements(os.path.join(os.path.dirname(path), target), reading, inner, depth + 1)
