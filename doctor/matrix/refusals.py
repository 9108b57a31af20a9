"""What the code of a release refuses at startup: typed access to `matrices/refusals.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table


@dataclass(frozen=True, slots=True)
class DtypeRefusal:
    """`--dtype` may not be `dtype` for a model of one of `types`."""

    engine: str
    releases: str
    dtype: str
    types: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class InnerModels:
    """The language models (architectures in `part` of config.json) that a backend reads inside `architecture`."""

    engine: str
    backend: str
    architecture: str
    part: str
    releases: str
    takes: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class LibraryRefusal:
    """For models that see images, `package` has to be `needs` next to release `at` of `beside`; `why` is a clause.

    `install` is what the engine itself names as the fix, `variable` skips the check.
    """

    engine: str
    releases: str
    beside: str
    at: str
    package: str
    shown: str
    needs: str
    install: str
    variable: str
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class LibraryBreak:
    """Releases `at` of the library `beside` with which the engine fails to start; `needs` those that it works with.

    `build` is how the local part of the version begins, where only such builds (`+cu126`) are meant.
    """

    engine: str
    releases: str
    beside: str
    at: str
    needs: str
    why: str
    source: str
    build: str | None = None


@dataclass(frozen=True, slots=True)
class BackendRefusal:
    """An option that the release takes, and stops for where another backend than `only` would run."""

    engine: str
    releases: str
    option: str
    only: str
    source: str


@dataclass(frozen=True, slots=True)
class OptionsTogether:
    """Options that are refused together: `condition` over `args.x`, and what the release says."""

    engine: str
    releases: str
    condition: str
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class TwinLaunch:
    """Releases of an engine whose start imports the library, on GPUs from the compute capability `gpu` on."""

    engine: str
    releases: str
    gpu: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Twins:
    """`packages` have to be of the release of `beside`, in `releases` of that, unless `variable` is set."""

    packages: tuple[str, ...]
    beside: str
    releases: str
    variable: str
    launches: tuple[TwinLaunch, ...]
    source: str


@dataclass(frozen=True, slots=True)
class SizeKeys:
    """The keys that `size` of an image processor's file has to have in these releases of transformers."""

    releases: str
    classes: tuple[str, ...]
    keys: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """The whole file."""

    verified: str
    dtypes: tuple[DtypeRefusal, ...] = ()
    inner: tuple[InnerModels, ...] = ()
    libraries: tuple[LibraryRefusal, ...] = ()
    breaks: tuple[LibraryBreak, ...] = ()
    backends: tuple[BackendRefusal, ...] = ()
    together: tuple[OptionsTogether, ...] = ()
    twins: tuple[Twins, ...] = ()
    sizes: tuple[SizeKeys, ...] = ()


def refusals() -> Refusals:
    """The rows. Raises DataError for damaged data."""
    return _load(data_dir() / "refusals.yaml")


def holds_for(releases: str, version: str) -> bool:
    """Whether a release is in a range; pre-releases count as their order says."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(releases).contains(version, prereleases=True)


def inner_models(engine: str, backend: str, architecture: str, version: str) -> InnerModels | None:
    """The row for an architecture of a release; None where the data says nothing."""
    same = (r for r in refusals().inner if (r.engine, r.backend, r.architecture) == (engine, backend, architecture))
    return next((r for r in same if holds_for(r.releases, version)), None)


@cache
def _load(path: Path) -> Refusals:
    return table(Refusals, path)
