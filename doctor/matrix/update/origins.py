"""Where `matrix update --from` reads: an index by its URL, or a folder of wheels, of a mirror, or of another's rows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from doctor.base.opening import first_bytes
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.files.own_rows import LARGEST, MOST, ROWS, OwnRow, row_of
from doctor.matrix.update.build import Offer
from doctor.matrix.update.offers import SECONDS, in_folder, index
from doctor.remote.errors import IndexUnavailable, WheelError

AT_ONCE = 4
Origin = Callable[[Project], list[Offer]]


def origin(where: str | None, seconds: float = SECONDS) -> Origin:
    """What gives the offers of a project; None is the index of pip or uv. Raises IndexUnavailable."""
    if where is None or urlsplit(where).scheme in ("http", "https"):
        return index(where, seconds).offers
    folder = Path(unquote(urlsplit(where).path)) if where.startswith("file://") else Path(where)
    if not folder.is_dir():
        raise IndexUnavailable(f"`{where}` is neither a folder nor the URL of a package index")
    return lambda project: _of_folder(project, folder)


def offers_of(projects: list[Project], source: Origin) -> dict[str, list[Offer]]:
    """The offers of each project by its name, a few asked at once. Raises IndexUnavailable, WheelError."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip((p.name for p in projects), pool.map(source, projects), strict=True))


def _of_folder(project: Project, folder: Path) -> list[Offer]:
    """Rows of another machine, else wheels: side by side, or below the project's name as a mirror keeps them."""
    rows = _rows(project, folder / ROWS if (folder / ROWS).is_dir() else folder)
    if rows:
        return rows
    for place in (folder, *(base / project.name for base in (folder, folder / "simple", folder / "packages"))):
        if place.is_dir() and (found := in_folder(project, place)):
            return found
    return []


def _rows(project: Project, folder: Path) -> list[Offer]:
    paths = [path for path, _ in zip(sorted(folder.glob(f"{project.name}_*.json.gz")), range(MOST), strict=False)]
    return [_ready(row) for path in paths if (row := row_of(path)) is not None and row.project == project.name]


def _ready(row: OwnRow) -> Offer:
    def opened() -> bytes:
        try:
            return first_bytes(row.path, LARGEST)
        except OSError as error:
            raise WheelError(f"{row.path.name}: {error.strerror or error}") from error

    return Offer(row.version, False, row.digest, _no_wheel, filename=row.path.name, ready=opened)


def _no_wheel() -> Any:
    raise WheelError("these are rows, not wheels")
