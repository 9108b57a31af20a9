"""A folder with a model, opened safely: regular files of bounded size that really lie in it.

The hub's cache keeps the files of one commit as links into `blobs` of the same repository; those are followed, links
to anywhere else are not.
"""

from __future__ import annotations

import os
from dataclasses import field
from typing import Literal, Protocol

from doctor.base.files import BARRED, Files, Unreadable
from doctor.base.record import dataclass

MOST_NAMES = 4096
Source = Literal["folder", "cache", "hub"]


class Outside(Unreadable):
    """A name or a link that leads out of the model's folder."""


class Place(Protocol):
    """Where a model's files are: a folder, or a repository of the hub."""

    path: str
    source: Source

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files at its top."""

    def size(self, name: str) -> int | None:
        """The size of a file in bytes; None where there is none."""

    def read(self, name: str, limit: int) -> bytes:
        """A file of at most `limit` bytes. Raises Unreadable."""

    def head(self, name: str, limit: int) -> bytes:
        """The first bytes of a file, at most `limit`. Raises Unreadable."""

    def barred(self, name: str) -> bool:
        """Whether a file is there that this user may not read."""

    def other(self, repository: str) -> Place | None:
        """Another repository that this one's code refers to, where it is at hand."""


@dataclass
class Folder:
    """A folder on this disk. `seen` are the paths that were looked at: what a remembered answer depends on."""

    files: Files
    path: str
    source: Source = "folder"
    caches: tuple[str, ...] = ()
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.base = self.files.real(self.path)
        parent = os.path.dirname(self.base)
        cached = os.path.basename(parent) == "snapshots"
        self._allowed = (self.base, *((os.path.join(os.path.dirname(parent), "blobs"),) if cached else ()))
        self.seen.add(self.base)
        self._names: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the folder, sorted; at most a few thousand."""
        if self._names is None:
            self._names = tuple(self.files.names(self.base)[:MOST_NAMES])
        return self._names

    def inside(self, name: str) -> str:
        """The real path of a file. Raises Unreadable for a name or a link that leads out of the folder."""
        parts = name.replace("\\", "/").split("/")
        if os.path.isabs(name) or "\0" in name or ".." in parts or ":" in name or not name.strip("./"):
            raise Outside("is a name that points outside the model's folder")
        path = os.path.join(self.base, *parts)
        self.seen.add(path)
        real = self.files.real(path)
        if not any(real.startswith(base.rstrip(os.sep) + os.sep) for base in self._allowed):
            raise Outside("is a link that points outside the model's folder, and is not read")
        return real

    def size(self, name: str) -> int | None:
        """The size of a regular file inside the folder; None where there is none."""
        try:
            return self.files.size(self.inside(name))
        except Unreadable:
            return None

    def read(self, name: str, limit: int) -> bytes:
        """A regular file of at most `limit` bytes. Raises Unreadable."""
        return self.files.read(self.inside(name), limit)

    def head(self, name: str, limit: int) -> bytes:
        """The first bytes of a regular file. Raises Unreadable."""
        path = self.inside(name)
        data = self.files.head(path, limit)
        if not data and self.files.barred(path):
            raise Unreadable(BARRED)
        return data

    def barred(self, name: str) -> bool:
        """Whether a file of the folder is there that this user may not read."""
        try:
            return name in self.names and self.files.barred(self.inside(name))
        except Unreadable:
            return False

    def other(self, repository: str) -> Place | None:
        """Another repository in the hub's cache on this disk."""
        from doctor.collect.model.hub.cache import snapshots

        for cache in self.caches:
            for folder in snapshots(self.files, cache, repository):
                if self.files.isdir(folder):
                    found = Folder(self.files, folder, "cache", self.caches, self.seen)
                    if any(name.endswith(".py") for name in found.names):
                        return found
        return None
