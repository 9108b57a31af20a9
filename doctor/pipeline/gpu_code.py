"""Reads which GPUs releases have code for out of their wheels, and adds it to the data.

Only the libraries that decide (`matrices/hardware/gpu_libraries.yaml`) are read. They are large, so each is inflated
straight from the connection into a temporary file, whose headers are read and which is not kept.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from doctor.base.late import late_pattern
from doctor.base.owned import read_owned, write_owned
from doctor.base.record import dataclass
from doctor.collect.native.elf import Elf, ElfError, read_elf
from doctor.collect.native.fatbin import gpu_code, recorded_archs
from doctor.facts.codec import FactsError, from_json, to_json
from doctor.facts.natives import GpuCode
from doctor.matrix.gpu_code import ReleaseCode, gpu_libraries, read, written
from doctor.matrix.update.build import LARGEST, atomic
from doctor.remote.errors import WheelError
from doctor.remote.source import ZipSource

LARGEST_LIBRARY = 4 << 30
_VERSION_FILE = 1 << 16
_BUILD = late_pattern(r"__version__ *(?::[^=\n]{1,40})?= *['\"]([0-9][^'\"\n]{0,60})['\"]")
GENERATION = 1  # counts changes of what is read: results of another generation are read again


@dataclass(frozen=True, slots=True)
class WheelOffer:
    """A release to be read: `identity` names its wheel's content, `open` gives its files."""

    version: str
    identity: str
    open: Callable[[], ZipSource]


def add_gpu_code(
    project: str,
    offers: Iterable[WheelOffer],
    folder: Path,
    cache: Path,
    done: Callable[[int], object] = lambda _: None,
) -> int:
    """Adds or renews the GPU code of releases of `project` in `folder`; how many. Raises WheelError, DataError.

    `done(1)` is called after each. What was read before an error is kept in `cache`.
    """
    path, found = folder / f"{project}.json.gz", dict[str, ReleaseCode]()
    for offer in offers:
        kept = cache / "gpu-code" / project / f"{offer.version}-{offer.identity[:16]}-{GENERATION}.json"
        one = _kept(kept)
        if one is None:
            with offer.open() as source:
                one = release_gpu_code(project, source)
            write_owned(kept, json.dumps(to_json(one)).encode())
        found[offer.version] = one
        done(1)
    known = read(path) if path.is_file() else {}
    atomic(path, written(project, {**known, **found}))
    return len(found)


def release_gpu_code(project: str, source: ZipSource) -> ReleaseCode:
    """The GPU code of the libraries in one wheel that decide. Raises WheelError."""
    rows = (one for one in gpu_libraries() if project in one.distributions)
    wanted = [one for one in rows if one.experts or one.is_for_all_models]  # the others are large and rarely asked for
    libraries: dict[str, tuple[GpuCode, ...]] = {}
    for library in wanted:
        for path in source.names():
            if library.recorded == path:
                archs = recorded_archs(_elf(source, path))
                libraries[path] = (GpuCode(1, archs),) if archs else ()
            elif library.recorded is None and library.matches(project, path):
                libraries[path] = gpu_code(_elf(source, path))
    return ReleaseCode(source.filename, source.sha256, _build(project, source), libraries)


def _elf(source: ZipSource, member: str) -> Elf:
    """A library, mapped from a temporary file whose name is gone when this returns."""
    with tempfile.NamedTemporaryFile() as file:
        for block in source.blocks(member, LARGEST_LIBRARY):
            file.write(block)
        file.flush()
        try:
            return read_elf(file.name)
        except ElfError as error:
            raise WheelError(f"{source.filename}: {member} is not a shared library: {error}") from error


def _build(project: str, source: ZipSource) -> str | None:
    """The version that the package's own `version.py` states, its local part included."""
    member = f"{project.replace('-', '_')}/version.py"
    if member not in source.names():
        return None
    found = _BUILD.search(source.read(member, _VERSION_FILE).decode("utf-8", "replace"))
    return found[1] if found else None


def _kept(path: Path) -> ReleaseCode | None:
    try:
        return from_json(ReleaseCode, json.loads(read_owned(path, LARGEST, 1)), "code")
    except (OSError, ValueError, FactsError):
        return None
