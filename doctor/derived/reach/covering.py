"""Which releases of an engine have code for a GPU, in their own libraries and in the torch that they require."""

from __future__ import annotations

from functools import lru_cache

from packaging.version import Version

from doctor.derived.packages.requirements import parse
from doctor.facts import GpuCode, normalize
from doctor.link.loader.gpucode import share_running
from doctor.matrix import rows
from doctor.matrix.gpu_code import GpuLibrary, ReleaseCode, covered, gpu_libraries
from doctor.matrix.releases import ReleaseSet

ENOUGH = 0.15  # of a library's GPU modules: some of them are for newer GPUs alone, and their callers know it


def has_code(
    code: tuple[GpuCode, ...], capability: tuple[int, int], driver_cuda: tuple[int, int] | None = None
) -> bool:
    """Whether a library runs on such a GPU, PTX that the driver compiles included; True without any GPU code.

    Modules for single architectures alone (`sm_90a`, `sm_100f`) do not count where there are others.
    """
    general = tuple(one for one in code if any(arch[-1:].isdigit() for arch in one.archs))
    return not code or share_running(general or code, capability, driver_cuda) >= ENOUGH


def row_of(distribution: str, path: str) -> GpuLibrary | None:
    """The table's row for this file of a distribution, or for the smaller one that records its architectures."""
    return next((r for r in gpu_libraries() if r.matches(distribution, path) or r.recorded == path), None)


def runs(project: str, version: str, capability: tuple[int, int]) -> bool:
    """Whether every library of this release that decides is known and has code for such a GPU."""
    found = covered(project).get(version)
    return found is not None and _runs(found, project, capability)


@lru_cache(maxsize=64)
def covering(engine: str, capability: tuple[int, int]) -> ReleaseSet | None:
    """The newest unbroken run of releases of `engine` of which everything that decides has code for such a GPU.

    What their libraries take from torch and from a distribution of kernels counts in the release that an installer
    would choose. None for an engine that the data does not cover.
    """
    known = rows.releases(engine)
    if known is None:
        return None
    good, usable = 0, [i for i in range(len(known.versions)) if known.usable >> i & 1]
    for i in reversed(usable):
        if _fits(engine, known.versions[i], capability):
            good |= 1 << i
        elif good:
            break
    return ReleaseSet(known, good)


def _fits(engine: str, version: str, capability: tuple[int, int]) -> bool:
    own = [row for row in gpu_libraries() if row.engine == engine and engine in row.distributions]
    mine = covered(engine).get(version)
    if own and (mine is None or not _runs(mine, engine, capability)):
        return False
    for name in sorted({d for row in gpu_libraries() for d in row.distributions} - {engine}):
        row = rows.row(engine, version, "requires") or {}
        lines = [parse(line) for lines in row.get("requires", {}).values() for line in lines]
        wanted = [r for r in lines if r is not None and normalize(r.name) == name]
        if not wanted and name != "torch":
            continue
        found = [v for v in covered(name) if wanted and all(r.specifier.contains(v, prereleases=True) for r in wanted)]
        if not found or not _runs(covered(name)[max(found, key=Version)], name, capability):
            return False
    return True


def _runs(release: ReleaseCode, name: str, capability: tuple[int, int]) -> bool:
    rows_of = {path: row_of(name, path) for path in release.libraries}
    return all(
        has_code(release.libraries[path], capability)
        for path, row in rows_of.items()
        if row is None or (row.is_for_all_models and (not row.majors or capability[0] in row.majors))
    )
