"""One release while it is read: its files as text and syntax trees, each parsed once for all releases that share it."""

from __future__ import annotations

import ast
from dataclasses import field

from doctor.base.record import dataclass
from doctor.matrix.extract.bindings import parse
from doctor.matrix.extract.cut import without_bodies
from doctor.matrix.extract.errors import LayoutError
from doctor.remote.source import WheelSource

LARGEST_SOURCE = 4 << 20
_KEPT = 64


@dataclass
class Files:
    """The files of `project` at `version`. A missing file or fact is a LayoutError, never an empty answer."""

    project: str
    version: str
    source: WheelSource
    _trees: dict[str, ast.Module] = field(default_factory=dict)
    _names: frozenset[str] = frozenset()

    @property
    def release(self) -> str:
        """`lmdeploy 0.11.1`, for messages."""
        return f"{self.project} {self.version}"

    def names(self) -> frozenset[str]:
        """All members."""
        self._names = self._names or frozenset(self.source.names())
        return self._names

    def has(self, member: str) -> bool:
        """Whether the release has this file."""
        return member in self.names()

    def first(self, *members: str) -> str | None:
        """The first of `members` that the release has, or None."""
        return next((m for m in members if self.has(m)), None)

    def below(self, folder: str) -> list[str]:
        """The Python files below `folder`, sorted."""
        return sorted(m for m in self.names() if m.startswith(folder.rstrip("/") + "/") and m.endswith(".py"))

    def data(self, member: str, limit: int) -> bytes:
        """The file's bytes, at most `limit`. Raises LayoutError where it is missing, WheelError for a larger one."""
        if not self.has(member):
            raise LayoutError(self.release, member, "anything (there is no such file)")
        return self.source.read(member, limit)

    def text(self, member: str) -> str:
        """The file's text. Raises LayoutError where it is missing, WheelError where it cannot be read."""
        if not self.has(member):
            raise LayoutError(self.release, member, "anything (there is no such file)")
        return self.source.read(member, LARGEST_SOURCE).decode("utf-8-sig", "replace")

    def tree(self, member: str) -> ast.Module:
        """The file's syntax tree. Raises LayoutError where it cannot be parsed."""
        if member not in self._trees:
            tree = parse(self.text(member))
            if tree is None:
                raise LayoutError(self.release, member, "Python that can be parsed")
            if len(self._trees) >= _KEPT:
                self._trees.clear()
            self._trees[member] = tree
        return self._trees[member]

    def outline(self, member: str) -> ast.Module:
        """The file's tree, in which functions may have no bodies: for what stands at the level of the module."""
        tree = parse(without_bodies(self.text(member)))
        return self.tree(member) if tree is None else tree

    def lacks(self, member: str, what: str) -> LayoutError:
        """The error for a file that does not hold what it should."""
        return LayoutError(self.release, member, what)
