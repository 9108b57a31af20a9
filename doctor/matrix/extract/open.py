"""`open_source`: one way to a release's files, wherever they are."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from doctor.matrix.extract.installed import InstalledSource
from doctor.remote.errors import IndexUnavailable
from doctor.remote.source import WheelSource, local_wheel


def open_source(what: str | Path, index_url: str | None = None) -> WheelSource:
    """The files of a wheel on disk (`x.whl`), an installed `.dist-info`, or a release on the index (`NAME==VERSION`).

    Raises WheelError for what cannot be read, IndexUnavailable for what the index does not have. Close it after use.
    """
    path = Path(what)
    if path.suffix == ".whl" and path.is_file():
        return local_wheel(path)
    if path.suffix == ".dist-info" and path.is_dir():
        return InstalledSource(path)
    name, version = pinned(str(what))
    return _from_index(name, version, index_url)


def pinned(text: str) -> tuple[str, str]:
    """Name and version of `NAME==VERSION`. Raises IndexUnavailable for anything else."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise IndexUnavailable(f"{text!r} is not a wheel, a .dist-info folder or NAME==VERSION") from error
    pins = [s for s in requirement.specifier if s.operator == "=="]
    if len(pins) != 1 or pins[0].version.endswith("*"):
        raise IndexUnavailable(f"{text!r} does not name one release; expected NAME==VERSION")
    return requirement.name, pins[0].version


def _from_index(name: str, version: str, index_url: str | None) -> WheelSource:
    from packaging.version import Version

    from doctor.remote.http import session
    from doctor.remote.index import best_wheel, wheels
    from doctor.remote.index_settings import index_settings
    from doctor.remote.remote_zip import remote_wheel

    settings = index_settings()
    http = session(settings.certificates)
    offered = [w for w in wheels(http, index_url or settings.url, name) if Version(w.version) == Version(version)]
    if not offered:
        raise IndexUnavailable(f"the index has no wheel of {name} {version}")
    wheel = best_wheel(offered)
    return remote_wheel(http, wheel.url, wheel.filename, wheel.sha256, wheel.metadata)
