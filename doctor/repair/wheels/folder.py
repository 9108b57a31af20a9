"""Wheels in a folder (`--find-links`): which of them a pin means, and whether they are what they say."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import zipfile
import zlib
from dataclasses import replace

from packaging import tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from doctor.base.opening import open_regular
from doctor.base.record import dataclass
from doctor.repair.errors import RepairError
from doctor.repair.wheels.pins import Pinned

_CHUNK = 1 << 20
_RECORD = 64 << 20


@dataclass(frozen=True, slots=True)
class Local:
    """A wheel file: what unpacking it takes, in bytes, and the folders that it fills.

    They are relative to site-packages, or to the environment for a wheel's `data`.
    """

    path: str
    size: int
    folders: frozenset[str]


def target_tags(python: str) -> frozenset[tags.Tag]:
    """The tags that CPython `X.Y` on this machine accepts."""
    version = tuple(int(p) for p in python.split("."))
    platforms = list(tags.platform_tags())
    return frozenset([
        *tags.cpython_tags(version, platforms=platforms),
        *tags.compatible_tags(version, interpreter=f"cp{version[0]}{version[1]}", platforms=platforms),
    ])  # fmt: skip


def find_wheels(folder: str, pins: tuple[Pinned, ...], python: str) -> dict[str, list[str]]:
    """name -> the files in `folder` that are this pin's version and fit this Python; names without one are left out."""
    try:
        files = sorted(n for n in os.listdir(folder) if n.endswith(".whl"))
    except OSError as error:
        raise RepairError(f"`{folder}`, given as `--find-links`, cannot be read: {error.strerror}") from None
    wanted = {p.name: Version(p.version) for p in pins}
    fits = target_tags(python)
    out: dict[str, list[str]] = {}
    for file in files:
        try:
            name, version, _, kinds = parse_wheel_filename(file)
        except InvalidWheelFilename:
            continue
        if not os.path.isfile(os.path.join(folder, file)):
            continue
        if wanted.get(canonicalize_name(name)) == version and kinds & fits:
            out.setdefault(canonicalize_name(name), []).append(os.path.join(folder, file))
    return out


def checked(pin: Pinned, files: list[str]) -> tuple[Pinned, list[Local]]:
    """The pin with the hashes of its files, each file read and compared with its own RECORD. Raises RepairError."""
    hashes = {path: _file_hash(path) for path in files}
    allowed = [p for p in files if not pin.hashes or hashes[p] in pin.hashes]
    if not allowed:
        names = ", ".join(f"`{os.path.basename(p)}`" for p in files)
        raise RepairError(f"{names} does not match a requested hash")
    found = [check_wheel(path) for path in allowed]
    return replace(pin, hashes=tuple(dict.fromkeys(hashes[p] for p in allowed))), found


def _file_hash(path: str) -> str:
    out = hashlib.sha256()
    try:
        handle, _ = open_regular(path)
        with open(handle, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                out.update(chunk)
    except OSError as error:
        raise RepairError(f"`{os.path.basename(path)}` cannot be read: {error.strerror}") from None
    return out.hexdigest()


def check_wheel(path: str) -> Local:
    """Compares every member with RECORD. Raises RepairError naming the wheel."""
    name = os.path.basename(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            listed = _record(archive, members, name)
            for member in members:
                _check_member(archive, member, listed, name)
            missing = sorted(set(listed) - {m.filename for m in members})
            if missing:
                raise RepairError(f"`{name}` is damaged: `{missing[0]}` is listed in its RECORD but missing")
            folders = frozenset(f for m in members if (f := _folder(m.filename)))
            return Local(path, sum(m.file_size for m in members), folders)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        if isinstance(error, RepairError):
            raise
        raise RepairError(f"`{name}` is not a complete wheel: {error}") from None


def _folder(member: str) -> str:
    """Where a member goes: `x.data/purelib/` and `platlib/` are site-packages, `data/` the environment itself."""
    parts = member.split("/")[:-1]
    if parts and parts[0].endswith(".data"):
        parts = parts[2:]
    return "/".join(parts)


def _record(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> dict[str, str]:
    found = [m for m in members if m.filename.endswith(".dist-info/RECORD") and m.filename.count("/") == 1]
    if len(found) != 1:
        raise RepairError(f"`{name}` is not a wheel: it has no RECORD")
    with archive.open(found[0]) as file:
        text = file.read(_RECORD).decode("utf-8", "surrogateescape")
    rows = [r for r in csv.reader(text.splitlines()) if len(r) > 1]
    return {r[0]: r[1] for r in rows}


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, listed: dict[str, str], name: str) -> None:
    path = member.filename
    parts = path.replace("\\", "/").split("/")
    if path.startswith("/") or ".." in parts or "\0" in path or (member.external_attr >> 16) & 0o170000 == 0o120000:
        raise RepairError(f"`{name}` contains `{path}`, which points outside the folder it is unpacked to")
    digest = listed.get(path, "")
    if parts[-1] in ("RECORD", "RECORD.jws", "RECORD.p7s") and not digest:
        return
    kind, _, value = digest.partition("=")
    if not value or kind not in ("sha256", "sha384", "sha512"):
        raise RepairError(f"`{name}` is damaged: its RECORD gives no hash for `{path}`")
    out = hashlib.new(kind)
    left = member.file_size
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise RepairError(f"`{name}` is damaged: `{path}` is larger than it says")
            out.update(chunk)
    if base64.urlsafe_b64encode(out.digest()).rstrip(b"=").decode() != value.rstrip("="):
        raise RepairError(f"`{name}` is damaged: `{path}` does not match the hash in its RECORD")
