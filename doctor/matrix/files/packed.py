"""A file of our data inside the single file that doctor is started from, with as much of `Path` as its readers use."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "doctor"


class Packed(type(Path())):  # type: ignore[misc]
    """A path below the archive, such as `/opt/doctor.pyz/doctor/matrices/VERSION`, read by `importlib.resources`."""

    def read_bytes(self) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        try:
            data: bytes = _entry(str(self)).read_bytes()
        except (KeyError, OSError) as error:
            raise FileNotFoundError(2, "no such file in the archive", str(self)) from error
        return data

    def read_text(self, encoding: str | None = None, errors: str | None = None, newline: str | None = None) -> str:
        """The whole file, decoded."""
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def is_file(self, **_: Any) -> bool:
        """Whether the archive has it as a file."""
        return bool(_entry(str(self)).is_file())

    def is_dir(self, **_: Any) -> bool:
        """Whether the archive has it as a folder."""
        return bool(_entry(str(self)).is_dir())

    def exists(self, **_: Any) -> bool:
        """Whether the archive has it."""
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator[Packed]:
        """What is in the folder."""
        return (self / one.name for one in _entry(str(self)).iterdir())

    def glob(self, pattern: str, **_: Any) -> Iterator[Packed]:
        """Entries of this folder alone: our data needs no more."""
        return (one for one in self.iterdir() if fnmatch.fnmatchcase(one.name, pattern)) if self.is_dir() else iter(())

    def rglob(self, pattern: str, **_: Any) -> Iterator[Packed]:
        """Entries of this folder and of those below it."""
        for one in self.iterdir():
            if fnmatch.fnmatchcase(one.name, pattern):
                yield one
            if one.is_dir():
                yield from one.rglob(pattern)

    def stat(self, **_: Any) -> os.stat_result:
        """That of the archive: it changes where any file in it does."""
        return Path(archive() or "").stat()


def packed_data() -> Path | None:
    """The folder of the data in the archive; None where doctor does not run from one."""
    own = archive()
    return Packed(own, PACKAGE, "matrices") if own else None


@cache
def archive() -> str | None:
    """The single file that this doctor was started from, or None."""
    import doctor

    loader = getattr(doctor.__spec__, "loader", None)
    archive = getattr(loader, "archive", None)
    return archive if isinstance(archive, str) else None


@cache
def _root() -> Any:
    from importlib.resources import files

    return files(PACKAGE)


@cache
def _entry(path: str) -> Any:
    """The entry of the archive; `importlib.resources` names it from the package on."""
    inner = path[len(archive() or "") :].replace("\\", "/").strip("/").split("/")[1:]
    return _root().joinpath(*inner) if inner else _root()


def data_bytes(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of a file of our data. Raises OSError."""
    from doctor.base.opening import first_bytes

    return path.read_bytes()[:limit] if isinstance(path, Packed) else first_bytes(path, limit)
