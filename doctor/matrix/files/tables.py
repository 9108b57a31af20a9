"""Our own YAML tables as values.

YAML is for those who write the tables; reading it, and loading the library that does, took a tenth of a warm check.
`matrices/tables.z` holds every table once more as JSON, each under the checksum of the YAML that it was made of. A
table that it lacks, or whose YAML has changed since, is read from the YAML. `python -m doctor.matrix.files.tables`
writes the file anew, and `matrices/VERSION`, which changes with any file of the data.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from doctor.facts.codec import FactsError, from_json
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.packed import data_bytes
from doctor.matrix.files.stamp import stamp

T = TypeVar("T")
LARGEST = 1 << 20
KEPT = "tables.z"
APART = ("crashes",)  # a log needs few of many entries, which are found in the text and parsed one by one


def plain(path: Path) -> Any:
    """What a YAML file of ours holds, as plain values; a date is its text. Raises DataError."""
    try:
        data = data_bytes(path, LARGEST)
    except OSError as error:
        raise DataError(f"`{path}` cannot be read: {error.strerror or error}") from error
    kept = _kept(data_dir()).get(path)
    if kept is not None and kept[0] == _checksum(data):
        return json.loads(kept[1])
    return parsed(data, path)


def parsed(data: bytes | str, name: Path | str) -> Any:
    """YAML text of ours as plain values. Raises DataError, which names the file or the entry."""
    import yaml

    try:
        return yaml.load(data, Loader=_loader())
    except yaml.YAMLError as error:
        raise DataError(f"`{name}` cannot be used: {error}") from error


def table(kind: type[T], path: Path) -> T:
    """A file whose keys are the fields of `kind`. Raises DataError for a file that does not hold what it should."""
    try:
        return from_json(kind, plain(path), path.stem)
    except FactsError as error:
        raise DataError(f"`{path}` cannot be used: {error}") from error


def kept_form(folder: Path) -> bytes:
    """The bytes of `tables.z` for a data folder: path, checksum and JSON of each table. Raises DataError."""
    out = []
    for path in sorted(folder.rglob("*.yaml")):
        name = path.relative_to(folder)
        data = path.read_bytes()
        if name.parts[0] not in APART:
            value = json.dumps(parsed(data, path), ensure_ascii=False, separators=(",", ":"))
            out.append(f"{name.as_posix()}\t{_checksum(data)}\t{value}\n")
    return zlib.compress("".join(out).encode(), 9)


@cache
def _kept(folder: Path) -> dict[Path, tuple[str, str]]:
    """The checksum and the JSON by the file of each table; empty where nothing is kept."""
    try:
        text = zlib.decompress((folder / KEPT).read_bytes()).decode()
    except (OSError, ValueError, zlib.error):
        return {}
    rows = (line.split("\t", 2) for line in text.split("\n") if line)
    return {folder / name: (checksum, value) for name, checksum, value in rows}


def _checksum(data: bytes) -> str:
    unix = data.replace(b"\r\n", b"\n")  # a checkout on Windows may have changed the ends of lines
    return f"{zlib.crc32(unix):08x}"


@cache
def _loader() -> Any:
    """The fast loader where libyaml is there, without dates: JSON has none, and nothing here counts days."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
        for first, pairs in base.yaml_implicit_resolvers.items()
    }
    return type("TableLoader", (base,), {"yaml_implicit_resolvers": resolvers})


if __name__ == "__main__":
    (data_dir() / KEPT).write_bytes(kept_form(data_dir()))
    stamp(data_dir())
