"""The Python files that come with a model and that transformers would run: read as text, never run.

`auto_map` of config.json, of the tokenizer's and of the processors' configuration names them; what they import from
beside them is followed. Files are small, few, and parsed only within bounds: these come from strangers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from doctor.base.files import Unreadable
from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.collect.model import plain
from doctor.collect.model.code.acts import acts_of
from doctor.collect.model.code.imports import imports_of, relative_files
from doctor.collect.model.parsing import parsed
from doctor.collect.model.place import Place
from doctor.facts import CodeAct, CodeImport, Problem, RemoteCode

FILE_LIMIT = 512 << 10
ALL_LIMIT = 3 << 19
MOST_FILES = 64
MOST_CLASSES = 64
MOST_IMPORTS = 2000
MOST_ACTS = 200
_REFERENCE = late_pattern(r"(?:(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})--)?(?P<module>\w{1,120})\.(?P<name>\w{1,120})\Z")
_CONFIGS = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")


@dataclass
class _Reading:
    place: Place
    named: str | None
    done: dict[str, None] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    beside: dict[str, tuple[str, ...]] = field(default_factory=dict)
    imports: list[CodeImport] = field(default_factory=list)
    acts: list[CodeAct] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left: int = ALL_LIMIT

    def problem(self, file: str, message: str) -> None:
        self.problems.append(Problem(one_line(file, 300), message))


def read_code(
    place: Place, config: dict[str, Any], tokenizer_config: dict[str, Any], named: str | None = None
) -> RemoteCode | None:
    """The code; None for a model that brings none."""
    every = [config, tokenizer_config, *(plain.maybe(place, name) for name in _CONFIGS)]
    pairs = [pair for one in every for pair in _references(one.get("auto_map"))][:MOST_CLASSES]
    if not pairs:
        return None
    reading = _Reading(place, named)
    classes: dict[str, str] = {}
    for key, reference in pairs:
        classes.setdefault(one_line(key, 100), one_line(reference, 300))
        _follow(reading, reference)
    return RemoteCode(
        classes, tuple(reading.files), reading.beside, tuple(reading.imports[:MOST_IMPORTS]), None,
        tuple(reading.acts[:MOST_ACTS]), tuple(dict.fromkeys(reading.missing)), tuple(reading.problems),
    )  # fmt: skip


def _references(found: Any) -> Iterator[tuple[str, str]]:
    """Pairs of `auto_map`; a tokenizer has a list of its slow and its fast class, either may be null."""
    for key, value in list(found.items())[:MOST_CLASSES] if isinstance(found, dict) else ():
        for one in value[:4] if isinstance(value, list) else (value,):
            if isinstance(one, str) and one:
                yield key, one


def _follow(reading: _Reading, reference: str) -> None:
    """Reads the file of a class, and those that it imports from beside it."""
    match = _REFERENCE.match(reference)
    if match is None:
        reading.problem(reference, "is not a reference to a class in a module (`module.Class`)")
        return
    place, lead = _place(reading, match["repo"])
    if place is None:
        reading.missing.append(f"{lead}{match['module']}.py")
        return
    todo = [f"{match['module']}.py"]
    while todo:
        name = todo.pop(0)
        if lead + name in reading.done:
            continue
        reading.done[lead + name] = None
        if len(reading.done) > MOST_FILES:
            reading.problem(name, f"is not read: only {MOST_FILES} files are")
            return
        todo.extend(_read(reading, place, lead, name))


def _place(reading: _Reading, repository: str | None) -> tuple[Place | None, str]:
    """Where the code is, and what stands before its files' names: nothing for the model's own repository."""
    if repository is None or repository == reading.named:
        return reading.place, ""
    return reading.place.other(repository), f"{repository}--"


def _read(reading: _Reading, place: Place, lead: str, name: str) -> list[str]:
    """One file; gives the files beside it that it imports."""
    if place.size(name) is None and name not in place.names:
        reading.missing.append(one_line(lead + name, 300))
        return []
    try:
        data = place.read(name, min(FILE_LIMIT, reading.left))
        reading.left -= len(data)
        text, tree = parsed(data)
    except Unreadable as error:
        reading.problem(lead + name, str(error))
        return []
    shown = one_line(lead + name, 300)
    reading.files.append(shown)
    reading.imports.extend(imports_of(shown, text, tree))
    reading.acts.extend(acts_of(shown, text, tree))
    found = relative_files(name, tree, lambda file: place.size(file) is not None)
    if found:
        reading.beside[shown] = tuple(one_line(lead + file, 300) for file in found)
    return found
