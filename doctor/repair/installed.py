"""What is installed in a site-packages folder, and what its RECORDs say: read as files."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
from pathlib import Path
from typing import Any

import importlib_metadata
from packaging.utils import canonicalize_name

from doctor.base.opening import first_text
from doctor.base.record import dataclass
from doctor.repair.errors import Refused
from doctor.repair.switch.apart import LARGE
from doctor.repair.switch.digest import hash_file

_HEAD = 1 << 20
_RECORD = 64 << 20


@dataclass(frozen=True, slots=True)
class Installed:
    """One distribution: its metadata folder or file (`info`, a path) and whether it has a RECORD."""

    name: str
    version: str
    info: str

    @property
    def record(self) -> str:
        """The path of its RECORD, there or not."""
        return os.path.join(self.info, "RECORD")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a RECORD: `digest` is hexadecimal sha256, empty where none is given."""

    path: str
    digest: str
    size: str


def read_installed(site: str) -> dict[str, list[Installed]]:
    """Every distribution by its normalized name; two of one name are what an interrupted installer leaves."""
    out: dict[str, list[Installed]] = {}
    for entry in sorted(os.listdir(site)):
        if not entry.endswith((".dist-info", ".egg-info")):
            continue
        path = os.path.join(site, entry)
        name, version = _identity(path, entry)
        if name:
            out.setdefault(canonicalize_name(name), []).append(Installed(canonicalize_name(name), version, path))
    return out


class OnDisk(importlib_metadata.Distribution):
    """A `.dist-info`, an `.egg-info` folder or an `.egg-info` file, its files read bounded and never waited for."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read_text(self, filename: str) -> str | None:
        """A file of its metadata, `""` for the metadata itself; None where it cannot be read."""
        try:
            return first_text(os.path.join(self.path, filename) if filename else self.path, _HEAD)
        except (OSError, ValueError):
            return None

    def locate_file(self, path: str | os.PathLike[str]) -> Any:
        """Where a file that its RECORD lists stands."""
        return Path(os.path.dirname(self.path), path)


def _identity(path: str, entry: str) -> tuple[str, str]:
    one = OnDisk(path)
    if any(one.read_text(file) for file in ("METADATA", "PKG-INFO", "")):
        name, version = (str(one.metadata.get(key) or "").strip() for key in ("Name", "Version"))
        if name and version:
            return name, version
    name, _, version = entry.rpartition(".")[0].partition("-")
    return name, version.partition("-py")[0]


def read_record(path: str) -> list[Row]:
    """The rows. Raises Refused where it cannot be read as what it should be."""
    try:
        rows = list(csv.reader(first_text(path, _RECORD).splitlines()))
    except (OSError, csv.Error) as error:
        raise Refused(f"`{path}` cannot be read: {error}") from None
    if any("\0" in field for row in rows for field in row):
        raise Refused(f"`{path}` is damaged: a path in it contains a NUL")
    return [_row(r) for r in rows if r]


def _row(fields: list[str]) -> Row:
    digest = fields[1] if len(fields) > 1 else ""
    size = fields[2] if len(fields) > 2 else ""
    kind, _, value = digest.partition("=")
    if not value:
        return Row(fields[0], "", size)
    if kind != "sha256":  # sha384 and sha512 are allowed by the format and used by nobody; a wrong one must not pass
        return Row(fields[0], digest, size)
    try:
        return Row(fields[0], base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex(), size)
    except ValueError:
        return Row(fields[0], digest, size)


def encoded(data: bytes) -> str:
    """The sha256 of `data` as RECORD writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def damaged(site: str, found: Installed) -> str | None:
    """The first file that is not what RECORD says, with the reason; None where all are. Reads every file."""
    for row in read_record(found.record):
        if not row.digest:
            continue
        path = os.path.join(site, row.path)
        try:
            if hash_file(path).hex() != row.digest:
                return f"`{row.path}` does not match the hash in RECORD"
        except OSError:
            return f"`{row.path}` is listed in RECORD but missing"
    return None


def claims_of(prefix: str, site: str) -> dict[str, tuple[str, int]]:
    """What the RECORDs in `site` say of large files: path relative to `prefix` -> sha256 in hexadecimal, and size."""
    out = {}
    for found in (one for several in read_installed(os.path.join(prefix, site)).values() for one in several):
        try:
            rows = read_record(found.record)
        except Refused:
            continue
        for row in rows:
            size = int(row.size) if row.size.isascii() and row.size.isdigit() and len(row.size) < 18 else 0
            if size >= LARGE and len(row.digest) == 64:
                out[os.path.normpath(os.path.join(site, row.path))] = (row.digest, size)
    return out


def refuse_unsafe_record(prefix: str, site: str, found: Installed) -> None:
    """Raises Refused where removing a distribution by its RECORD would reach out of `prefix` (by `..`, an absolute

    path or a symbolic link), or where it has no RECORD at all.
    """
    if not os.path.isfile(found.record):
        raise Refused(
            f"`{found.name}` {found.version} was not installed from a wheel (`{os.path.basename(found.info)}` has no "
            "RECORD), so its files are unknown"
        )
    inside = os.path.realpath(prefix) + os.sep
    folders: dict[str, bool] = {}
    for row in read_record(found.record):
        folder = os.path.dirname(os.path.join(site, row.path))
        if folder not in folders:
            folders[folder] = (os.path.realpath(folder) + os.sep).startswith(inside)
        if os.path.isabs(row.path) or not folders[folder]:
            raise Refused(
                f"`{found.name}` {found.version} lists `{row.path}` as its own, which is outside the environment "
                "or behind a symbolic link"
            )
