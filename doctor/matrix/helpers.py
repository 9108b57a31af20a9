"""Helper packages that no metadata names: typed access to `matrices/helpers.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from doctor.base.record import dataclass
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table
from doctor.matrix.providers import releases_with
from doctor.matrix.releases import ReleaseSet


@dataclass(frozen=True, slots=True)
class RemoteCode:
    """What the code beside a model's weights imports, for engines that load classes of it."""

    architecture: str
    engines: tuple[str, ...]
    packages: tuple[str, ...]
    source: str
    verified: str


@dataclass(frozen=True, slots=True)
class Loader:
    """The package by which transformers loads weights of `method`, while it has `name` in `module`."""

    method: str
    package: str
    module: str
    name: str
    source: str
    verified: str

    def releases(self) -> ReleaseSet | None:
        """The transformers releases that look for the package."""
        return releases_with("transformers", self.module, self.name)


@dataclass(frozen=True, slots=True)
class Through:
    """What `releases` of a `library`, through which transformers loads weights of `method`, import and demand.

    `module` has `name` only in some releases of the library. One of `packages` has to be there, and each of them that
    is there in its range: package -> specifier.
    """

    method: str
    library: str
    releases: str
    packages: dict[str, str]
    source: str
    verified: str
    module: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Kernels:
    """The package that an engine's own loader of `method` imports."""

    method: str
    engine: str
    package: str
    source: str
    verified: str


@dataclass(frozen=True, slots=True)
class SettingPackages:
    """An option, or a variable, `name` that with one of `values` makes an engine import one of `packages`.

    `fetching`: only to fetch a model that is no folder of this machine.
    """

    engine: str
    name: str
    values: tuple[str, ...]
    packages: tuple[str, ...]
    source: str
    verified: str
    fetching: bool = False


@dataclass(frozen=True, slots=True)
class Helpers:
    """The whole file."""

    remote_code: tuple[RemoteCode, ...]
    loaders: tuple[Loader, ...]
    through: tuple[Through, ...] = ()
    engines: tuple[Through, ...] = ()
    kernels: tuple[Kernels, ...] = ()
    settings: tuple[SettingPackages, ...] = ()


def helpers() -> Helpers:
    """The rows. Raises DataError for damaged data."""
    return _load(data_dir() / "helpers.yaml")


@cache
def _load(path: Path) -> Helpers:
    return table(Helpers, path)
