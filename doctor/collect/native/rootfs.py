"""Paths of a target that stands below another root folder, such as a container's tree seen from outside."""

from __future__ import annotations

import os
from pathlib import Path

_MAX_LINKS = 40


class RootFs:
    """Turns the target's own absolute paths into paths of this machine; links never lead out of the root."""

    def __init__(self, root: str | None = None) -> None:
        self.root = str(Path(root).absolute()).rstrip("/") if root else ""

    def below(self, path: str) -> str:
        """The target's path `path` as seen from this machine. Links are not followed."""
        return self.root + os.path.normpath("/" + path.lstrip("/")) if self.root else path

    def real(self, path: str) -> str:
        """`path` (of this machine) with links followed as the target would follow them: `/x` begins at the root."""
        if not self.root:
            return path
        return self._follow(path, _MAX_LINKS)

    def _follow(self, path: str, left: int) -> str:
        if not path.startswith(self.root + os.sep):
            return path
        at = self.root
        parts = [p for p in path[len(self.root) :].split(os.sep) if p not in ("", ".")]
        while parts:
            part = parts.pop(0)
            if part == "..":
                at = at.rpartition(os.sep)[0] if len(at) > len(self.root) else at
                continue
            there = os.path.join(at, part)
            try:
                link = os.readlink(there)
            except (OSError, ValueError):
                at = there
                continue
            left -= 1
            if left < 0:
                return path
            at = self.root if link.startswith(os.sep) else at
            parts[:0] = [p for p in link.split(os.sep) if p not in ("", ".")]
        return at
