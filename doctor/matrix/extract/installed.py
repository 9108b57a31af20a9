"""What is installed, read as if it were its wheel: the files that its RECORD lists."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from doctor.base.opening import NotRegular, first_bytes
from doctor.remote.errors import WheelError

LARGEST_RECORD = 64 << 20
LARGEST_FILE = 1 << 30


class InstalledSource:
    """An installed distribution by its `.dist-info` folder. `sha256` is None: an installation is no longer a wheel."""

    sha256: str | None = None

    def __init__(self, dist_info: Path) -> None:
        """Raises WheelError where there is no readable RECORD."""
        self._root, self.filename = dist_info.parent, dist_info.name
        try:
            data = _bounded(dist_info / "RECORD", LARGEST_RECORD).decode("utf-8", "replace")
        except OSError as error:
            raise WheelError(f"{dist_info.name}: no readable RECORD ({error.strerror})") from error
        rows = [row[0] for row in csv.reader(data.splitlines()) if row]
        self._names = tuple(n for n in rows if ".." not in PurePosixPath(n).parts and not n.startswith(("/", "\\")))

    def names(self) -> tuple[str, ...]:
        """The files below the search path entry; scripts outside it are left out."""
        return self._names

    def read(self, member: str, limit: int) -> bytes:
        """The content of `member`. Raises WheelError where it is missing, not a regular file, or above `limit`."""
        try:
            return _bounded(self._root / member, limit)
        except WheelError:
            raise
        except (FileNotFoundError, NotADirectoryError, NotRegular, ValueError):  # ValueError: a NUL in the name
            raise WheelError(f"{self.filename}: {member} is missing") from None
        except OSError as error:
            raise WheelError(f"{self.filename}: {member}: {error.strerror}") from error

    def identity(self, member: str) -> tuple[int, int]:
        """CRC and size of the file as it is now."""
        data = self.read(member, LARGEST_FILE)
        return zlib.crc32(data), len(data)

    def prefetch(self, members: Iterable[str]) -> None:
        """Nothing to do for files on disk."""

    def close(self) -> None:
        """Nothing to let go of."""


def _bounded(path: Path, limit: int) -> bytes:
    data = first_bytes(path, limit + 1)
    if len(data) > limit:
        raise WheelError(f"{path.name} is larger than {limit} bytes")
    return data
