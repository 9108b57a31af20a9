"""Files that several distributions own with different contents: the one installed last has overwritten the others."""

from __future__ import annotations

import base64
import hashlib
import os
from collections import defaultdict

from doctor.base.files import Files, Unreadable
from doctor.collect.packages.record_file import Entry, Record, is_inside
from doctor.facts import Collision, Distribution, Owner

_HASHED = 8 << 20  # larger files are told apart by size alone, unless the sizes are equal and the check is deep
_LIMIT = 2 << 30
_MANY = 20_000
Claims = dict[tuple[str, str], list[tuple[Distribution, Entry]]]


def find_collisions(
    files: Files, installed: tuple[Distribution, ...], records: dict[str, Record], deep: bool
) -> tuple[Collision, ...]:
    """Collisions in path order. Only distributions that share a first folder are compared, file by file."""
    claims: Claims = defaultdict(list)
    for (location, first), owners in _shared(installed, records).items():
        for owner in owners:
            for entry in records[owner.metadata_path].entries(first):
                if is_inside(entry.path) or first == "..":
                    claims[location, entry.path].append((owner, entry))
    clashes = [
        (location, path, owners)
        for (location, path), owners in claims.items()
        if len(owners) > 1 and len({e.sha256 for _, e in owners}) > 1 and len({d.key for d, _ in owners}) > 1
    ]
    clashes.sort(key=lambda c: (c[0], c[1]))
    return tuple(_collision(files, *clash, deep=deep) for clash in clashes[:_MANY])


def _shared(
    installed: tuple[Distribution, ...], records: dict[str, Record]
) -> dict[tuple[str, str], list[Distribution]]:
    """The folders of each search path entry that more than one distribution puts files into."""
    owners: dict[tuple[str, str], list[Distribution]] = defaultdict(list)
    for one in installed:
        record = records.get(one.metadata_path)
        for first in record.first_names if record else ():
            if first != "__pycache__" and not first.endswith(".dist-info"):
                owners[one.location, first].append(one)
    return {place: several for place, several in owners.items() if len(several) > 1}


def _collision(
    files: Files, location: str, path: str, owners: list[tuple[Distribution, Entry]], deep: bool
) -> Collision:
    place = os.path.normpath(os.path.join(location, path))
    named = tuple(Owner(d.name, d.version, e.sha256) for d, e in owners)
    return Collision(path, named, _whose(files, place, owners, deep) if is_inside(path) else None)


def _whose(files: Files, place: str, owners: list[tuple[Distribution, Entry]], deep: bool) -> str | None:
    """Whose content is on disk: by size where that decides, else by hash; None where it is nobody's or too large."""
    size = files.size(place)
    if size is None:
        return None
    fitting = [(d, e) for d, e in owners if e.size is None or e.size == size]
    if not fitting:
        return None
    if size > _HASHED and not deep:
        return fitting[0][0].name if len(fitting) == 1 and fitting[0][1].size is not None else None
    digest = sha256(files, place)
    return next((d.name for d, e in fitting if e.sha256 == digest), None)


def sha256(files: Files, path: str) -> str | None:
    """A file's sha256 as RECORD writes it (urlsafe base64 without padding), or None where it cannot be read."""
    try:
        data = files.read(path, _LIMIT)
    except Unreadable:
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
