"""The engines: how each is launched, and which of its modules a launch imports."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from doctor.base.record import dataclass
from doctor.facts.codec import FactsError, from_json
from doctor.matrix.data import DataError, data_dir
from doctor.matrix.providers import all_releases, releases_with

LARGEST = 256 << 10


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """One way to start a server: the console command `program` with `subcommand`, or `python -m module` with it."""

    program: str | None = None
    module: str | None = None
    subcommand: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A module that a launch imports: always, or only for a backend, a vision model, or one console command."""

    module: str
    why: str
    backend: str | None = None
    vision: bool = False
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine. `distribution` is what is installed, `package` what is imported; `backends` are exclusive halves."""

    name: str
    distribution: str
    package: str
    source: str
    verified: str
    launches: tuple[LaunchForm, ...]
    entries: tuple[Entry, ...]
    backends: tuple[str, ...] = ()


def engines() -> tuple[Engine, ...]:
    """Every engine, by name. Raises DataError for a file of ours that does not hold what it should."""
    return tuple(_load(path) for path in sorted((data_dir() / "engines").glob("*.yaml")))


def engine(name: str) -> Engine | None:
    """The engine of this name or distribution, or None."""
    return next((e for e in engines() if name in (e.name, e.distribution)), None)


def launched(program: str | None, module: str | None, subcommand: tuple[str, ...]) -> Engine | None:
    """The engine that this console command or `python -m` module starts, or None."""
    found = launched_as(program, module, subcommand)
    return found[0] if found else None


def launched_as(
    program: str | None, module: str | None, subcommand: tuple[str, ...]
) -> tuple[Engine, LaunchForm] | None:
    """The engine that is started, and in which of its forms; None for what starts none."""
    for candidate in engines():
        for form in candidate.launches:
            named = form.program == program if program else form.module == module
            if (program or module) and named and subcommand[: len(form.subcommand)] == form.subcommand:
                return candidate, form
    return None


def entry_modules(
    name: str,
    version: str | None = None,
    backend: str | None = None,
    *,
    vision: bool = True,
    program: str | None = None,
) -> tuple[str, ...]:
    """The modules that a launch of engine `name` imports, in order.

    Only those that release `version` has; for a release the data does not know, those of the newest it knows, and for
    a project it does not cover, all. `backend` None means that any may be chosen: modules of every backend are listed.
    """
    found = engine(name)
    if found is None:
        return ()
    wanted = [
        e.module
        for e in found.entries
        if (backend is None or e.backend in (None, backend))
        and (vision or not e.vision)
        and (program is None or e.program in (None, program))
    ]
    return tuple(m for m in wanted if _has(found.distribution, m, version))


def _has(distribution: str, module: str, version: str | None) -> bool:
    having, releases = releases_with(distribution, module), all_releases(distribution)
    if having is None or releases is None:
        return True
    known = having.contains(version) if version else None
    return bool(having.contains(releases.versions[-1])) if known is None else known


@cache
def _load(path: Path) -> Engine:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open("rb") as file:
            data: Any = yaml.load(file.read(LARGEST), Loader=loader)
        if isinstance(data, dict):
            data["verified"] = str(data.get("verified"))
        return from_json(Engine, data, path.name)
    except (OSError, yaml.YAMLError, FactsError) as error:
        raise DataError(f"{path.name}: {error}") from error
