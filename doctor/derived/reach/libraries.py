"""The libraries with GPU code that a launch calls, and what GPUs they have code for, installed or declared."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doctor.base.record import dataclass
from doctor.derived.case import Case, memoized
from doctor.derived.packages.declared_ranges import admitted
from doctor.derived.packages.requirements import parse
from doctor.derived.reach.covering import has_code, row_of
from doctor.derived.reach.halves import half
from doctor.facts import Distributions, GpuCode, Launch, Model, Natives, normalize
from doctor.launch.options import setting
from doctor.matrix import rows
from doctor.matrix.gpu_code import GpuLibrary, gpu_libraries, release_code
from doctor.memory.decoder import EXPERTS

CUDA_PLATFORM = "linux-x86_64"  # the wheels whose GPU code is in the data
_DEEPEST = 4
_CAPS = ("<", "<=", "==", "~=")


@dataclass(frozen=True, slots=True)
class GpuBinary:
    """One library with GPU code. `decides` is the table's row where launches call it without looking; None: optional.

    `release` is the distribution's version, `source` where its code was read. Of a distribution whose release is left
    open it is the newest that is admitted, and `others` is the code of the older ones.
    """

    path: str
    distribution: str
    release: str | None
    code: tuple[GpuCode, ...]
    source: str
    decides: GpuLibrary | None = None
    others: tuple[tuple[GpuCode, ...], ...] = ()

    def runs_on(self, capability: tuple[int, int], driver_cuda: tuple[int, int] | None = None) -> bool:
        """Whether it has code for such a GPU, PTX that the driver compiles included; True without any GPU code."""
        return has_code(self.code, capability, driver_cuda)

    def is_loaded_on(self, capability: tuple[int, int]) -> bool:
        """Whether it is the one that such a GPU loads, where there is one for each."""
        return self.decides is None or not self.decides.majors or capability[0] in self.decides.majors


@memoized
def gpu_binaries(case: Case) -> tuple[GpuBinary, ...]:
    """The libraries with GPU code that a process of the launch loads or may load."""
    natives = case.facts.natives
    if isinstance(natives, Natives):
        return tuple(_installed(case, natives))
    return tuple(_declared(case)) if natives.reason == "not_supported" else ()


@memoized
def uncovered(case: Case) -> tuple[str, ...]:
    """The declared releases that may decide and whose GPU code is not known, `torch 2.7.0+cu128` and the like."""
    here, natives = case.facts.distributions, case.facts.natives
    if isinstance(natives, Natives) or natives.reason != "not_supported" or not isinstance(here, Distributions):
        return ()
    known = {one.distribution for one in gpu_binaries(case)}
    called = [row for row in gpu_libraries() if is_called(case, row)]
    names = dict.fromkeys(d for row in called for d in row.distributions)
    found = ((name, here.version(name)) for name in names if name not in known)
    return tuple(f"{name} {version}" for name, version in found if version and not _read(case, name, version))


def is_called(case: Case, library: GpuLibrary) -> bool:
    """Whether this launch calls the library without looking first, as far as its options and its model say."""
    if library.engine is not None and not _is_used(case, library.engine, library.backend):
        return False
    model = case.facts.model if isinstance(case.facts.model, Model) else None
    if library.experts and not (model and has_experts(model.config)):
        return False
    if library.methods and not (model and model.quantization and model.quantization.method in library.methods):
        return False
    if library.architectures and not (model and set(model.architectures) & set(library.architectures)):
        return False
    return not library.options or any(_given(case, name, values) for name, values in library.options.items())


def _is_used(case: Case, engine: str, backend: str | None) -> bool:
    """Whether the launch starts this engine, with this half of it; without a launch any engine that is here may be."""
    launched = case.facts.launch.engine if isinstance(case.facts.launch, Launch) else None
    if launched is not None and launched != engine:
        return False
    chosen = next((c for c in case.engine if c.name == engine), None)
    return not case.engine if chosen is None else not backend or half(case, chosen) == backend


def _installed(case: Case, natives: Natives) -> Iterator[GpuBinary]:
    here = case.facts.distributions
    for one in natives.libraries:
        row = row_of(one.distribution, one.path)
        if one.gpu and (one.module is not None or row is not None):
            release = here.version(one.distribution) if isinstance(here, Distributions) else None
            yield GpuBinary(one.path, one.distribution, release, one.gpu, one.path, row)


def _declared(case: Case) -> Iterator[GpuBinary]:
    here = case.facts.distributions
    if not isinstance(here, Distributions):
        return
    for name in dict.fromkeys(d for row in gpu_libraries() for d in row.distributions):
        fixed = here.version(name)
        versions = (fixed,) if fixed else admitted_releases(case, name)
        for path, code in (_read(case, name, versions[0]) or {}).items() if versions else ():
            others = (_read(case, name, v) or {} for v in versions[1:])
            wheel = _origin(name, versions[0])
            if code:
                older = tuple(o[path] for o in others if path in o)
                yield GpuBinary(path, name, versions[0], code, wheel, row_of(name, path), older)


def _origin(name: str, version: str) -> str:
    """Where the GPU code of a release was read: its wheel, or what tells of the build."""
    known = release_code(name, version)
    return f"read from the published wheel of {name} {version}" if known is None or known.sha256 else known.wheel


@memoized
def admitted_releases(case: Case, name: str) -> tuple[str, ...]:
    """The releases, newest first, of a distribution that a declaration leaves open and that something in it requires.

    The first is what an installer takes. Empty where nothing requires it, or where an image below may have it already.
    """
    here, known = case.facts.distributions, rows.releases(name)
    if not isinstance(here, Distributions) or here.complete or known is None or _has_unknown_base(here):
        return ()
    parsed = [parse(line) for one in here.installed for line in one.requires]
    wanted = [r for r in parsed if r is not None and normalize(r.name) == name and not r.extras and r.marker is None]
    if not any(one.operator in _CAPS for r in wanted for one in r.specifier):
        return ()  # what is required besides may bound it
    found = known.everything()
    for requirement in wanted:
        found = found & known.matching(str(requirement.specifier))
    if (lines := admitted(here, name, known)) is not None:
        found = found & lines
    return found.versions[::-1]


def _has_unknown_base(here: Distributions) -> bool:
    """Whether the set begins with an image of which the data does not know what is in it."""
    return any("the name of the image" in p.message or "is not known" in p.message for p in here.problems)


def _read(case: Case, name: str, version: str) -> dict[str, tuple[GpuCode, ...]] | None:
    platform = (case.facts.target.platform or CUDA_PLATFORM).lower()
    if not (platform.startswith(("linux", "manylinux")) and platform.endswith(("x86_64", "amd64"))):
        return None
    found = release_code(name, version)
    return found.libraries if found else None


def has_experts(config: object, depth: int = 0) -> bool:
    """Whether a configuration, or one inside it, describes a mixture of experts."""
    if not isinstance(config, dict) or depth > _DEEPEST:
        return False
    if any(isinstance(n := config.get(key), int) and n > 1 for key in EXPERTS):
        return True
    return any(has_experts(value, depth + 1) for value in config.values())


def _given(case: Case, name: str, values: tuple[str, ...]) -> bool:
    """Whether the launch has the option, or the variable, with one of these values."""
    told = setting(case.facts, name)
    return told is not None and any(re.fullmatch(value, told, re.IGNORECASE) for value in values)
