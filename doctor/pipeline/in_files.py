"""A launch with the places of its words in the file that it was read from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from doctor.base.files import Files
from doctor.base.late import late_pattern
from doctor.facts import Launch, Unavailable

if TYPE_CHECKING:
    from doctor.collect.declared.service import Service
    from doctor.launch.standing import Text
    from doctor.pipeline.request import Request

LARGEST = 512 << 10
_SOURCE = late_pattern(r"(?P<path>.+):(?P<line>[1-9]\d{0,6})")


def with_places(launch: Launch | Unavailable, request: Request) -> Launch | Unavailable:
    """The launch with where it is written, as far as that can be told; from a command line it is nowhere."""
    if not isinstance(launch, Launch) or launch.engine is None:
        return launch
    from doctor.launch.standing import written

    cwd, stated = request.target.cwd, request.declared.stated
    names = (stated.name, *stated.labels) if stated else (request.declared.service,) if request.declared.service else ()
    of_script = _SOURCE.fullmatch(launch.source or "")
    files = [(of_script["path"], int(of_script["line"]))] if of_script else [(f, None) for f in _files(request)]
    for path, line in files:
        file = _text(cwd, path)
        if file is not None and (found := written(launch, file, names, line)) is not None:
            return replace(launch, written=found)
    return launch


def _files(request: Request) -> Iterator[str]:
    """The files that may state the command, the one that has the last word first."""
    asked = request.declared
    yield from reversed(request.files)
    if asked.stated is not None:
        yield from reversed(asked.stated.files)
        yield from _built(asked.stated)
    if asked.compose is not None:
        yield from reversed((asked.compose, *asked.composing.overlays))
    yield from reversed(asked.requirements)


def _built(service: Service) -> Iterator[str]:
    if service.build:
        yield service.build


def _text(cwd: str, name: str) -> Text | None:
    from doctor.collect.declared.text import decoded
    from doctor.launch.standing import Text

    path = os.path.normpath(os.path.join(cwd, name))
    data = Files(None).maybe(path, LARGEST)
    if data is None:
        return None
    beside = str(Path(path).parent / ".env")
    variables = Files(None).maybe(beside, LARGEST)
    more = (_shown(cwd, beside), decoded(variables)) if variables is not None else None
    return Text(_shown(cwd, path), decoded(data), more)


def _shown(cwd: str, path: str) -> str:
    """A path as a person names it: below the working folder without that."""
    inside = os.path.relpath(path, cwd)
    return path if inside.startswith(os.pardir) else inside
