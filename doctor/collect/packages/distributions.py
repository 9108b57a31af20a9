"""What is installed: every `.dist-info` and `.egg-info` on the target's search path, read as files alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import field, replace

from doctor.base.files import BARRED, Files, Unreadable
from doctor.base.record import dataclass
from doctor.base.text import clean
from doctor.collect.packages import metadata
from doctor.collect.packages.build import full_version
from doctor.collect.packages.changed import changed_files, half_installed
from doctor.collect.packages.collisions import find_collisions
from doctor.collect.packages.editable import editable_modules
from doctor.collect.packages.gates import read_gates
from doctor.collect.packages.record_file import RECORD_LIMIT, Record
from doctor.collect.packages.shadows import find_shadows
from doctor.facts import Distribution, Distributions, Problem, Target, normalize

_SUFFIXES = (".dist-info", ".egg-info")


@dataclass
class Reading:
    """The work in hand: what was read so far. `records` are kept by metadata path."""

    target: Target
    files: Files
    found: list[Distribution] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: str, sentence: str) -> None:
        """Notes something that could not be read; the rest is read all the same."""
        self.problems.append(Problem(clean(path), clean(sentence)))


def read_distributions(target: Target, deep: bool = False, verify: tuple[str, ...] = ()) -> Distributions:
    """All distributions of the target. Those named in `verify` have their `.py` files compared with RECORD.

    `deep` also hashes files whose size and time speak for them. Never raises for what the target holds.
    """
    reading = Reading(target, Files(target.root))
    for location in target.paths:
        _read_location(reading, location)
    installed, shadowed, duplicates = _sort_out(reading.found)
    wanted = {normalize(name) for name in verify}
    engines = [d for d in installed if d.key in wanted]
    files, records = reading.files, reading.records
    return Distributions(
        installed=installed,
        shadowed=shadowed,
        duplicates=duplicates,
        collisions=find_collisions(files, installed, records, deep),
        changed=tuple(c for d in engines for c in changed_files(files, d, records.get(d.metadata_path), deep)),
        problems=tuple(reading.problems),
        gates=read_gates(files, installed, records),
        shadows=find_shadows(files, target, installed),
    )


def with_half_installed(target: Target, distributions: Distributions, tops: Iterable[str]) -> Distributions:
    """The distributions that provide these importable names, with their files compared by size with RECORD."""
    files, wanted = Files(target.root), set(tops)
    known = {c.distribution for c in distributions.changed}
    changed = list(distributions.changed)
    for one in distributions.installed:
        if wanted & set(one.top_level) and one.name not in known and one.metadata_path.endswith(".dist-info"):
            data = files.maybe(os.path.join(one.metadata_path, "RECORD"), RECORD_LIMIT)
            changed.extend(half_installed(files, one, Record(data) if data else None))
    return replace(distributions, changed=tuple(changed))


def _sort_out(found: list[Distribution]) -> tuple[tuple[Distribution, ...], ...]:
    """Installed, hidden by an earlier entry of the path, and second ones in the same folder."""
    first: dict[str, Distribution] = {}
    shadowed: list[Distribution] = []
    duplicates: list[Distribution] = []
    for one in found:
        other = first.setdefault(one.key, one)
        if other is one:
            continue
        if one.version == other.version and one.metadata_path.endswith(".egg-info"):
            continue  # Debian and editable installs keep an egg-info beside the dist-info of the same version
        (duplicates if other.location == one.location else shadowed).append(one)
    return tuple(first.values()), tuple(shadowed), tuple(duplicates)


def _read_location(reading: Reading, location: str) -> None:
    if location.endswith(".egg") and reading.files.isdir(os.path.join(location, "EGG-INFO")):
        _read_one(reading, location, os.path.join(location, "EGG-INFO"))
        return
    if not reading.files.isdir(location):
        if reading.files.barred(location):
            reading.problem(location, f"`{location}` {BARRED}, so it is unknown what is installed there")
        return  # a zip file on the path, or nothing
    try:
        names = reading.files.listdir(location)
    except Unreadable as error:
        reading.problem(location, f"`{location}` {error}, so it is unknown what is installed there")
        return
    for name in names:
        if name.startswith("~"):
            _half_removed(reading, location, name)
        elif name.endswith(_SUFFIXES):
            _read_one(reading, location, os.path.join(location, name))


def _half_removed(reading: Reading, location: str, name: str) -> None:
    """pip renames what it is about to remove to `~...`; what is still there was left by an interrupted pip."""
    if name.endswith(_SUFFIXES) or reading.files.isdir(os.path.join(location, name)):
        reading.problem(
            os.path.join(location, name), f"`{name}` was left behind by an interrupted installation or removal"
        )


def _read_one(reading: Reading, location: str, path: str) -> None:
    name = os.path.basename(path)
    source = _metadata_file(reading.files, path)
    if source is None and reading.files.barred(path):
        reading.problem(path, f"`{name}` {BARRED}, so its package is unknown")
        return
    if source is None:
        reading.problem(path, f"`{name}` has no METADATA, so not even pip knows its package")
        return
    try:
        fields = metadata.parse_metadata(reading.files.read(source, metadata.METADATA_LIMIT))
    except (Unreadable, metadata.BadMetadata) as error:
        label = name if source == path else f"{name}/{os.path.basename(source)}"
        reading.problem(source, f"`{label}` {error}")
        return
    reading.found.append(_distribution(reading, location, path, fields))


def _metadata_file(files: Files, path: str) -> str | None:
    if path.endswith(".dist-info"):
        candidates = [os.path.join(path, "METADATA")]
    elif files.isdir(path):
        candidates = [os.path.join(path, "PKG-INFO")]
    else:
        candidates = [path]
    return next((c for c in candidates if files.exists(c) or os.path.islink(c)), None)


def _distribution(reading: Reading, location: str, path: str, fields: metadata.Metadata) -> Distribution:
    files = reading.files
    record = _record(reading, location, path, fields.name)
    requires, extras = fields.requires, fields.extras
    if not path.endswith(".dist-info") and not requires:
        requires, extras = metadata.parse_requires_txt(_small(files, path, "requires.txt"))
    origin, editable = metadata.parse_direct_url(_small(files, path, "direct_url.json").encode())
    top = _top_level(reading, location, path, record, editable)
    editable = editable or (record is None and _is_source_tree(reading, location))
    return Distribution(
        name=fields.name,
        key=normalize(fields.name),
        version=fields.version,
        location=location,
        metadata_path=path,
        build=full_version(files, location, fields.version, top, record),
        requires=requires,
        requires_python=fields.requires_python,
        extras=extras,
        top_level=top,
        entry_points=metadata.parse_entry_points(_small(files, path, "entry_points.txt")),
        installer=clean(_small(files, path, "INSTALLER").strip(), 40) or None,
        editable=editable,
        origin=origin,
        record_sha256=hashlib.sha256(record.data).hexdigest() if record else None,
        tags=metadata.parse_tags(_small(files, path, "WHEEL")),
    )


def _small(files: Files, folder: str, name: str) -> str:
    return files.text(os.path.join(folder, name), metadata.SMALL_LIMIT) or ""


def _is_source_tree(reading: Reading, location: str) -> bool:
    """Whether a `.pth` line or PYTHONPATH led here, instead of a folder that installers fill."""
    return os.path.basename(location) not in ("site-packages", "dist-packages") and reading.target.kind == "installed"


def _top_level(reading: Reading, location: str, path: str, record: Record | None, editable: bool) -> tuple[str, ...]:
    if editable and record is not None and (names := editable_modules(reading.files, location, record)):
        return names
    listed = record.top_level() if record else ()
    if listed:
        return listed
    lines = _small(reading.files, path, "top_level.txt").splitlines()
    return tuple(sorted({x for line in lines if (x := line.strip()).isidentifier()}))


def _record(reading: Reading, location: str, path: str, name: str) -> Record | None:
    """RECORD, kept for later, and a problem for each that lists files outside of the environment."""
    if not path.endswith(".dist-info"):
        return None
    place = os.path.join(path, "RECORD")
    try:
        record = Record(reading.files.read(place, RECORD_LIMIT))
    except Unreadable as error:
        if reading.files.exists(place):
            reading.problem(place, f"the RECORD of `{name}` {error}")
        return None
    if outside := record.outside(location, _prefix_of(reading.target, location)):
        others = f" and {len(outside) - 1} more" if len(outside) > 1 else ""
        reading.problem(
            place,
            f"the RECORD of `{name}` lists `{outside[0][:200]}`{others}, outside the environment; not checked",
        )
    reading.records[path] = record
    return record


def _prefix_of(target: Target, location: str) -> str:
    """The folder that a distribution's files may be in: the prefix around its search path entry."""
    for prefix in (target.prefix, target.base_prefix):
        if prefix and location.startswith(prefix.rstrip(os.sep) + os.sep):
            return prefix
    up = 2 if target.kind == "paths" else 0  # `pip install --target` leaves `../../bin` in RECORD
    parts = location.split(os.sep)
    if parts[-1] in ("site-packages", "dist-packages"):
        up = 3
    return os.sep.join(parts[: max(1, len(parts) - up)]) or os.sep
