"""The packages of an installed distribution, read as if they were its wheel. Editable ones need no RECORD for it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping

from doctor.base.files import Files, Unreadable
from doctor.remote.errors import WheelError

MOST_FILES = 40_000
LARGEST_FILE = 64 << 20


class UnpackedSource:
    """The files below the folders of `packages`, top-level name -> folder, and those of `metadata_path` (`.dist-info`).

    `note` is told each file and folder that was looked at.
    """

    sha256: str | None = None

    def __init__(
        self, files: Files, packages: Mapping[str, str], metadata_path: str, note: Callable[[str], object]
    ) -> None:
        """Raises WheelError for more files than any release has."""
        self._files, self._note = files, note
        self.filename = metadata_path.rpartition("/")[2]
        self._places = {f"{self.filename}/{n}": f"{metadata_path}/{n}" for n in ("METADATA", "entry_points.txt")}
        for name, folder in packages.items():
            self._walk(name, folder)

    def _walk(self, name: str, folder: str) -> None:
        todo = [(name, folder)]
        while todo:
            member, place = todo.pop()
            self._note(place)
            for one in self._files.names(place):
                inner = f"{place}/{one}"
                if one.endswith(".py"):
                    self._places[f"{member}/{one}"] = inner
                elif "." not in one and one != "__pycache__" and self._files.isdir(inner):
                    todo.append((f"{member}/{one}", inner))
            if len(self._places) + len(todo) > MOST_FILES or member.count("/") > 40:
                raise WheelError(f"{self.filename}: more files than a release has")

    def names(self) -> tuple[str, ...]:
        """The Python files of the packages, and the metadata."""
        return tuple(n for n, place in self._places.items() if not n.startswith(self.filename) or self._is_there(place))

    def _is_there(self, place: str) -> bool:
        return self._files.isfile(place)

    def read(self, member: str, limit: int) -> bytes:
        """The content of `member`. Raises WheelError where it is missing, not a regular file, or above `limit`."""
        place = self._places.get(member)
        if place is None:
            raise WheelError(f"{self.filename}: {member} is missing")
        self._note(place)
        try:
            return self._files.read(place, limit)
        except Unreadable as error:
            raise WheelError(f"{self.filename}: {member} {error}") from error

    def identity(self, member: str) -> tuple[int, int]:
        """CRC and size of the file as it is now."""
        data = self.read(member, LARGEST_FILE)
        return zlib.crc32(data), len(data)

    def prefetch(self, members: Iterable[str]) -> None:
        """Nothing to do for files on disk."""

    def close(self) -> None:
        """Nothing to let go of."""
