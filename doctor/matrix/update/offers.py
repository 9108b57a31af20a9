"""Which releases can be added: what the package index lists, or the wheels in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from doctor.base.record import dataclass
from doctor.facts import normalize
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.update.build import Offer
from doctor.remote.errors import IndexUnavailable, WheelError
from doctor.remote.index import best_wheel, wheels
from doctor.remote.index_json import IndexedWheel
from doctor.remote.source import WheelSource, local_wheel, wheel_name

if TYPE_CHECKING:
    from doctor.remote.client import Client


SECONDS = 30.0  # of waiting for the index, until the first release is read, and for each one more


@dataclass(frozen=True, slots=True)
class Index:
    """A package index: its simple page root, and the client that asks it, within one deadline for each release."""

    url: str
    http: Client

    def offers(self, project: Project) -> list[Offer]:
        """Every release of `project` since its first covered one that it has a wheel of. Raises IndexUnavailable."""
        found: dict[str, list[IndexedWheel]] = {}
        for wheel in wheels(self.http, self.url, project.name):
            if Version(wheel.version) >= Version(project.since):
                found.setdefault(wheel.version, []).append(wheel)
        return [_offer(self.http, version, offered) for version, offered in found.items()]


def index(url: str | None = None, seconds: float = SECONDS) -> Index:
    """The index at `url`, or the one that pip or uv would use here. Raises IndexUnavailable."""
    from dataclasses import replace

    from doctor.remote.http import LIMITS, session
    from doctor.remote.index_settings import index_settings

    settings = index_settings()
    limits = replace(LIMITS, seconds=seconds, answer=seconds)
    return Index(url or settings.url, session(settings.certificates, limits))


def indexed(project: Project, index_url: str | None = None, seconds: float = SECONDS) -> list[Offer]:
    """The offers of `index` for one project. Raises IndexUnavailable."""
    return index(index_url, seconds).offers(project)


def chosen(offers: Iterable[Offer], versions: Iterable[str]) -> list[Offer]:
    """The offers of these versions. Raises IndexUnavailable for one that is not offered."""
    by_version = {Version(o.version): o for o in offers}
    out = []
    for version in versions:
        if Version(version) not in by_version:
            raise IndexUnavailable(f"the index has no wheel of release {version} (or it is older than what is covered)")
        out.append(by_version[Version(version)])
    return out


def in_folder(project: Project, folder: Path) -> list[Offer]:
    """The wheels of `project` in `folder`, the best of each release. Raises WheelError."""
    found: dict[str, list[IndexedWheel]] = {}
    for path in sorted(folder.glob("*.whl")):
        try:
            name, version, tags = wheel_name(path.name)
        except WheelError:
            continue
        if name == normalize(project.name) and Version(version) >= Version(project.since):
            found.setdefault(version, []).append(IndexedWheel(name, version, path.name, "", None, tags, None, None))
    return [_local(folder / best_wheel(o).filename, version, _tags(o)) for version, o in found.items()]


def installed(project: Project, dist_info: Path) -> Offer:
    """An installed release, by its `.dist-info`: for projects that publish no wheels. Raises WheelError."""
    from doctor.matrix.extract.installed import LARGEST_RECORD, InstalledSource

    source = InstalledSource(dist_info)
    name, _, version = dist_info.name.removesuffix(".dist-info").rpartition("-")
    if normalize(name) != project.name:
        raise WheelError(f"{dist_info.name} is not an installation of {project.name}")
    record = source.read(f"{dist_info.name}/RECORD", LARGEST_RECORD)
    return Offer(str(Version(version)), False, sha256(record).hexdigest(), lambda: source)


def _offer(http: Client, version: str, offered: list[IndexedWheel]) -> Offer:
    wheel = best_wheel(offered)
    yanked = all(w.yanked is not None for w in offered)
    return Offer(
        version, yanked, wheel.sha256 or wheel.filename, _opener(http, wheel), _tags(offered),
        wheel.filename, wheel.size,
    )  # fmt: skip


def _opener(http: Client, wheel: IndexedWheel) -> Callable[[], WheelSource]:
    from doctor.remote.remote_zip import remote_wheel

    def opened() -> WheelSource:
        http.next_file()
        return remote_wheel(http, wheel.url, wheel.filename, wheel.sha256, wheel.metadata)

    return opened


def _tags(offered: list[IndexedWheel]) -> tuple[str, ...]:
    return tuple(sorted({tag for wheel in offered for tag in wheel.tags}))


def _local(path: Path, version: str, tags: tuple[str, ...]) -> Offer:
    """A wheel on disk; nothing there says whether its release was retracted."""
    with local_wheel(path) as source:
        return Offer(
            version, False, source.sha256 or "", lambda: local_wheel(path), tags, path.name, path.stat().st_size
        )
