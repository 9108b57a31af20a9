"""A deployment file as its readers get it: its text, where it stands, and the machine it is meant for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from doctor.base.files import Files
from doctor.base.record import dataclass
from doctor.collect.declared.service import Service
from doctor.collect.declared.text import decoded, name_of

LARGEST = 256 << 10


@dataclass(frozen=True)
class Source:
    """`path` is absolute; `environ` is the caller's, `root` another root file system that the file's own paths mean."""

    path: str
    text: str
    environ: Mapping[str, str] = field(default_factory=dict)
    root: str | None = None

    @property
    def name(self) -> str:
        """The file's name, as it is shown."""
        return name_of(self.path)

    @property
    def folder(self) -> str:
        """The folder that the file stands in."""
        return os.path.dirname(self.path)

    def read(self, path: str) -> str | None:
        """The text of a file that this one names by an absolute path; None where it cannot be read."""
        files = Files(self.root)
        data = files.maybe(files.inside(path), LARGEST)
        return None if data is None else decoded(data)

    def beside(self, name: str) -> str | None:
        """The text of a file in the same folder; None where it cannot be read."""
        data = Files(None).maybe(os.path.join(self.folder, name), LARGEST)
        return None if data is None else decoded(data)

    def program(self, kind: str, command: tuple[str, ...], name: str = "", **more: Any) -> Service:
        """A command of the file that runs on a machine, with its caller's environment; `more` are fields of it."""
        return Service(name or self.name, command=command, kind=kind, file=self.name, host=True, inherits=True, **more)
