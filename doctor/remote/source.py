"""Where a release's files are read from: a wheel on disk, a wheel on the index, or what is installed. One interface."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from doctor.base.late import late_pattern
from doctor.remote.errors import IndexUnavailable, WheelError

MOST_MEMBERS = 200_000
LARGEST_DIRECTORY = 24 << 20  # bytes of the list of members at the end: some 120 for each
# Deflate cannot do better than 1032 to 1: a member that claims more lies about its size.
_BEST_RATIO = 1100
_BLOCK = 1 << 20
_FILENAME = late_pattern(r"[\w.!+-]{1,300}")
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, OSError)


class WheelSource(Protocol):
    """One release's files. `sha256` is the wheel's (None for what is installed), `filename` its name."""

    filename: str
    sha256: str | None

    def names(self) -> tuple[str, ...]:
        """All members, as paths with slashes."""

    def read(self, member: str, limit: int) -> bytes:
        """The content of `member`. Raises WheelError where it is missing, damaged or above `limit` bytes."""

    def identity(self, member: str) -> tuple[int, int]:
        """A checksum and the size: equal for equal content."""

    def prefetch(self, members: Iterable[str]) -> None:
        """Tells which members will be read, so that they can be fetched together."""

    def close(self) -> None:
        """Lets go of files and connections."""


class ZipSource(AbstractContextManager["ZipSource"]):
    """A wheel as a zip archive, from any seekable file. Raises WheelError for one that is damaged or hostile."""

    def __init__(self, file: IO[bytes], filename: str, digest: str | None) -> None:
        self.filename, self.sha256 = filename, digest
        self._file = file
        try:
            _bounded(file, filename)
            self._zip = zipfile.ZipFile(file)
        except (WheelError, IndexUnavailable):
            raise
        except _DAMAGE as error:
            raise WheelError(f"{filename}: not a readable wheel: {error}") from error
        self._infos = _checked(filename, self._zip.infolist())

    def names(self) -> tuple[str, ...]:
        """All members, folders left out."""
        return tuple(self._infos)

    def identity(self, member: str) -> tuple[int, int]:
        """The archive's own CRC and size."""
        info = self._info(member)
        return info.CRC, info.file_size

    def read(self, member: str, limit: int) -> bytes:
        """The content of `member`, at most `limit` bytes unpacked. Raises WheelError."""
        info = self._info(member)
        if info.file_size > limit:
            raise WheelError(f"{self.filename}: {member} has {info.file_size} bytes, more than {limit}")
        try:
            with self._zip.open(info) as file:
                data = file.read(limit + 1)
        except (WheelError, IndexUnavailable):
            raise
        except _DAMAGE as error:
            raise WheelError(f"{self.filename}: {member} cannot be unpacked: {error}") from error
        if len(data) > limit:
            raise WheelError(f"{self.filename}: {member} unpacks to more than {limit} bytes")
        return data

    def blocks(self, member: str, limit: int) -> Iterator[bytes]:
        """The content of `member` piece by piece, so that it is never in memory whole. Raises WheelError."""
        info = self._info(member)
        if info.file_size > limit:
            raise WheelError(f"{self.filename}: {member} has {info.file_size} bytes, more than {limit}")
        left, crc = info.file_size, 0
        try:
            for block in self._inflated(info):
                left, crc = left - len(block), zlib.crc32(block, crc)
                if left < 0:
                    break
                yield block
        except (WheelError, IndexUnavailable):
            raise
        except _DAMAGE as error:
            raise WheelError(f"{self.filename}: {member} cannot be unpacked: {error}") from error
        if left or crc != info.CRC:
            raise WheelError(f"{self.filename}: {member} is damaged")

    def _inflated(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        with self._zip.open(info) as file:
            while block := file.read(_BLOCK):
                yield block

    def prefetch(self, members: Iterable[str]) -> None:
        """Nothing to do for a file on disk."""

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()
        self._file.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _info(self, member: str) -> zipfile.ZipInfo:
        try:
            return self._infos[member]
        except KeyError:
            raise WheelError(f"{self.filename} does not contain {member}") from None


def local_wheel(path: Path) -> ZipSource:
    """A wheel on disk. Raises WheelError."""
    wheel_name(path.name)
    try:
        digest = sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return ZipSource(path.open("rb"), path.name, digest.hexdigest())
    except OSError as error:
        raise WheelError(f"{path.name}: {error.strerror}") from error


def wheel_name(filename: str) -> tuple[str, str, tuple[str, ...]]:
    """Name, version and tags of a wheel's file name, which is part of no path. Raises WheelError."""
    try:
        if not _FILENAME.fullmatch(filename):  # `packaging` takes any text as a build number or a tag
            raise InvalidWheelFilename(filename)
        name, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise WheelError(f"{filename!r} is not a wheel file name") from error
    return name, str(version), tuple(sorted(map(str, tags)))


def _bounded(file: IO[bytes], filename: str) -> None:
    """Refuses a list of members so long that reading it takes gigabytes. Raises WheelError; OSError."""
    end = getattr(zipfile, "_EndRecData", lambda _: None)(file)  # its parts: zipfile's `_ECD_SIZE` is 5
    if end is not None and end[5] > LARGEST_DIRECTORY:
        raise WheelError(f"{filename}: lists too many members ({end[5]} bytes of names)")


def _checked(filename: str, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    if len(infos) > MOST_MEMBERS:
        raise WheelError(f"{filename}: {len(infos)} members, more than {MOST_MEMBERS}")
    out: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if reason := _hostile(info):
            raise WheelError(f"{filename}: member {info.filename[:200]!r} {reason}")
        if not info.is_dir():
            out[info.filename] = info
    return out


def _hostile(info: zipfile.ZipInfo) -> str | None:
    """Why no honest wheel holds this member, or None."""
    path = info.filename
    if path.startswith(("/", "\\")) or "\\" in path or "\0" in info.orig_filename or path[1:2] == ":":
        return "has an absolute or foreign path"
    if ".." in PurePosixPath(path).parts:
        return "leaves its folder"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a symbolic link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.file_size > info.compress_size * _BEST_RATIO + 4096:
        return f"claims to unpack {info.compress_size} bytes to {info.file_size}"
    return None
