"""Which GPUs published releases have code for, and which libraries decide: typed access to `matrices/gpu_code`.

The code of a release is read from its wheel for Linux on x86-64 (`qvl-doctor matrix add --gpu-code`).
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from doctor.base.record import dataclass
from doctor.facts import normalize
from doctor.facts.codec import from_json, to_json
from doctor.facts.natives import GpuCode
from doctor.matrix.files.data import DataError, data_dir
from doctor.matrix.files.tables import table

LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class GpuLibrary:
    """A library that a launch calls without looking first; `path` is a regular expression on its path in the wheel.

    It is called by every launch of `engine` (None: of all), of its half `backend`; `experts`: for a mixture of experts
    alone; `options`, `methods` and `architectures`: with one of these option values, for a checkpoint quantized so, for
    such a model. `majors` are those of the GPUs that it is loaded on (none: all). `recorded` is the file in which the
    build wrote down its architectures. `falls_back`: others take over most of it. `why` says what the library is for.
    """

    distributions: tuple[str, ...]
    path: str
    why: str
    source: str
    engine: str | None = None
    backend: str | None = None
    experts: bool = False
    majors: tuple[int, ...] = ()
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    recorded: str | None = None
    falls_back: bool = False

    @property
    def is_for_all_models(self) -> bool:
        """Whether neither the model nor an option decides that it is called."""
        return not (self.experts or self.options or self.methods or self.architectures)

    def matches(self, distribution: str, path: str) -> bool:
        """Whether it is this file of this distribution, whose name is normalized."""
        return distribution in self.distributions and re.fullmatch(self.path, path) is not None


@dataclass(frozen=True, slots=True)
class GpuLibraries:
    """The table of `hardware/gpu_libraries.yaml`."""

    verified: str
    libraries: tuple[GpuLibrary, ...]


@dataclass(frozen=True, slots=True)
class ReleaseCode:
    """The GPU code of one release's libraries by their paths, read from `wheel`; empty where it has none.

    `build` is the version that the files themselves state, such as `2.6.0+cu124`.
    """

    wheel: str
    sha256: str | None = None
    build: str | None = None
    libraries: dict[str, tuple[GpuCode, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """The architectures of the builds of torch whose local version is `build`, in a range of releases."""

    releases: str
    build: str
    archs: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class TorchBuilds:
    """The table of `hardware/torch_builds.yaml`."""

    verified: str
    builds: tuple[TorchBuild, ...]


@cache
def gpu_libraries() -> tuple[GpuLibrary, ...]:
    """The libraries that decide. Raises DataError for damaged data."""
    return table(GpuLibraries, data_dir() / "hardware" / "gpu_libraries.yaml").libraries


def release_code(project: str, version: str) -> ReleaseCode | None:
    """The GPU code of a release, None for one that the data does not cover.

    A local part (`2.7.0+cu128`) names another build unless the release on the index states the same.
    """
    try:
        asked = Version(version)
    except InvalidVersion:
        return None
    found = covered(normalize(project)).get(asked.public)
    if found is None or not asked.local or not asked.local.startswith(("cu", "cpu", "rocm", "xpu")):
        return found
    return found if found.build and Version(found.build) == asked else _other_build(normalize(project), asked, found)


def _other_build(project: str, asked: Version, known: ReleaseCode) -> ReleaseCode | None:
    """A build of torch from its own index, by the table; its libraries are those of the release on PyPI."""
    rows = table(TorchBuilds, data_dir() / "hardware" / "torch_builds.yaml").builds if project == "torch" else ()
    for row in rows:
        if row.build == asked.local and SpecifierSet(row.releases).contains(asked.public):
            code = (GpuCode(1, row.archs),)
            return ReleaseCode(row.source, build=str(asked), libraries=dict.fromkeys(known.libraries, code))
    return None


@cache
def covered(project: str) -> dict[str, ReleaseCode]:
    """Every release of a project whose GPU code is known, oldest first. Raises DataError for damaged data."""
    path = data_dir() / "gpu_code" / f"{project}.json.gz"
    return read(path) if path.is_file() else {}


def read(path: Path) -> dict[str, ReleaseCode]:
    """The releases that a file of the data holds. Raises DataError."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(path.read_bytes())) as file:
            data = json.loads(file.read(LARGEST))
        codes = [from_json(tuple[GpuCode, ...], c, "code") for c in data["code"]]
        return {version: _release(one, codes) for version, one in data["releases"].items()}
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"`{path}` cannot be used: {error}") from error


def written(project: str, releases: dict[str, ReleaseCode]) -> bytes:
    """A file of the data with these releases; equal code of several libraries is written once."""
    codes: dict[tuple[GpuCode, ...], int] = {}
    out = {}
    for version in sorted(releases, key=Version):
        one = releases[version]
        libraries = {path: codes.setdefault(code, len(codes)) for path, code in sorted(one.libraries.items())}
        out[version] = {"wheel": one.wheel, "sha256": one.sha256, "build": one.build, "libraries": libraries}
    data = {"project": project, "code": [to_json(code) for code in codes], "releases": out}
    return gzip.compress(json.dumps(data, separators=(",", ":")).encode(), 9, mtime=0)


def _release(data: dict[str, Any], codes: list[tuple[GpuCode, ...]]) -> ReleaseCode:
    libraries = {path: codes[index] for path, index in data["libraries"].items()}
    return ReleaseCode(data["wheel"], data["sha256"], data["build"], libraries)
