"""Verdicts on shared libraries kept between runs, and whether they still hold.

With them is kept every path that was looked at, found or not, with its time of change, size and inode. They hold as
long as all of these are the same; so an upgrade, a new library anywhere on a search path or another LD_LIBRARY_PATH
makes them be worked out anew. What cannot be read or written is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from doctor.collect.libraries import LibraryReader
from doctor.facts.codec import to_json
from doctor.facts.distribution import Distributions
from doctor.facts.natives import CudaNeed, GpuCode, NativeLibrary, Natives, NativeVerdict
from doctor.facts.target import Problem, Target

_FORM = 1  # counts changes of what is kept, or of how verdicts come about
_MAX_BYTES = 64 << 20


def store_key(target: Target, distributions: Distributions, names: Collection[str], reader: LibraryReader) -> str:
    """What the verdicts depend on beside files: the target, the distributions asked for, the loader's environment."""
    wanted = sorted(names)
    versions = [f"{d.key}=={d.version}@{d.location}" for d in distributions.installed]
    parts = [_FORM, target.root, target.paths, target.python, target.executable, wanted, versions,
             reader.machine, reader.library_path, reader.preload]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def recall(folder: Path, key: str, reader: LibraryReader) -> Natives | None:
    """The verdicts kept under `key` in `folder`, if everything that they rest on is unchanged, else None."""
    try:
        file = folder / f"natives-{key}.json"
        if file.stat().st_size > _MAX_BYTES:
            return None
        kept: dict[str, Any] = json.loads(file.read_bytes())
        for path, *was in kept["stamps"]:
            if stamp(reader, path) != was:
                return None
        return _natives(kept["natives"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None


def keep(folder: Path, key: str, reader: LibraryReader, natives: Natives) -> None:
    """Keeps verdicts with all that `reader` looked at for them."""
    content = {
        "stamps": [(path, *stamp(reader, path)) for path in sorted(reader.seen)],
        "natives": to_json(natives),
    }
    with suppress(OSError, ValueError):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".natives-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, separators=(",", ":"))
        Path(name).replace(folder / f"natives-{key}.json")


def stamp(reader: LibraryReader, path: str) -> list[int]:
    """Time of change, size and inode of the file or folder at `path`; empty where there is none."""
    try:
        info = os.stat(reader.real(path))
        return [info.st_mtime_ns, info.st_size, info.st_ino]
    except (OSError, ValueError):
        return []


def _natives(data: Any) -> Natives:
    """`Natives` from what `to_json` made of them: by hand, for this is most of a second look's time."""
    return Natives(
        distributions=tuple(data["distributions"]),
        libraries=tuple(_library(row) for row in data.get("libraries", ())),
        cuda=tuple(CudaNeed(**row) for row in data.get("cuda", ())),
        versions=dict(data.get("versions", {})),
        torch_archs=tuple(data.get("torch_archs", ())),
        machine=data.get("machine"),
        problems=tuple(Problem(**row) for row in data.get("problems", ())),
    )


def _library(row: Any) -> NativeLibrary:
    return NativeLibrary(
        path=row["path"], location=row["location"], distribution=row["distribution"], module=row.get("module"),
        needed=tuple(row.get("needed", ())), gpu=tuple(_gpu(code) for code in row.get("gpu", ())),
        verdict=NativeVerdict(**row["verdict"]) if "verdict" in row else None,
    )  # fmt: skip


def _gpu(row: Any) -> GpuCode:
    return GpuCode(row["count"], tuple(row["archs"]), tuple(row["ptx"]) if row.get("ptx") else None)
