"""What is installed, as its metadata files tell it."""

from __future__ import annotations

from functools import lru_cache

from doctor.base.record import dataclass
from doctor.facts.target import Problem


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installed distribution.

    `name` is as written in METADATA, `key` is its normalized form (PEP 503). `version` is METADATA's;
    `build` is the fuller version that only a `version.py` of the package knows (`2.12.1+cu130`), else None.
    `location` is the search path entry it stands in, `metadata_path` its `.dist-info` or `.egg-info`.
    `requires` are Requires-Dist lines as written. `top_level` are the importable names it brings.
    `record_sha256` identifies what was installed; None where there is no RECORD (editable, Debian, conda).
    """

    name: str
    key: str
    version: str
    location: str
    metadata_path: str
    build: str | None = None
    requires: tuple[str, ...] = ()
    requires_python: str | None = None
    extras: tuple[str, ...] = ()
    top_level: tuple[str, ...] = ()
    entry_points: tuple[tuple[str, str, str], ...] = ()
    installer: str | None = None
    editable: bool = False
    origin: str | None = None
    record_sha256: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """A distribution that claims a file, with the sha256 its RECORD gives (urlsafe base64, no padding)."""

    distribution: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Collision:
    """A file that several distributions own with different contents; `on_disk` names whose content is there now."""

    path: str
    owners: tuple[Owner, ...]
    on_disk: str | None = None


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that is not what its RECORD says: `change` is `modified` or `missing`."""

    distribution: str
    path: str
    change: str


@dataclass(frozen=True, slots=True)
class Gate:
    """A version that a distribution checks when it is imported.

    `requirement` is as written there (`tokenizers>=0.14,<0.19`, or `python>=3.8`), `file` is relative to the search
    path entry. `hard`: the import raises, else it only warns. `optional`: checked only if the other is installed.
    """

    distribution: str
    requirement: str
    file: str
    line: int
    hard: bool = True
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Shadow:
    """A module in the folder that the launch puts first: `hides` is a distribution's name or `the standard library`."""

    module: str
    path: str
    hides: str


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of a declaration: `requirement` is PEP 508 text, `source` its file and line, `key` the name normalized.

    `step` counts installs that follow each other: a later one may replace what an earlier one brought.
    `constraint`: it bounds the version without asking for the distribution.
    """

    key: str
    requirement: str
    source: str
    step: int = 0
    constraint: bool = False


@dataclass(frozen=True, slots=True)
class Distributions:
    """All of the target's distributions in search path order.

    `shadowed` are those that a same-named distribution earlier on the path hides, `duplicates` the ones that share
    a folder with another of the same name, `problems` metadata that could not be read.
    Where `complete` is False the environment is declared, not installed: `installed` are the distributions whose
    release the declaration fixes, `declared` all of its lines, and whatever else will be there is not known. `refused`
    says why the installer's resolver finds no releases for these lines. `stated`: they are installed somewhere, as
    somebody's report says of some of them; nobody else chose them to go together.
    """

    installed: tuple[Distribution, ...]
    shadowed: tuple[Distribution, ...] = ()
    duplicates: tuple[Distribution, ...] = ()
    collisions: tuple[Collision, ...] = ()
    changed: tuple[ChangedFile, ...] = ()
    problems: tuple[Problem, ...] = ()
    gates: tuple[Gate, ...] = ()
    shadows: tuple[Shadow, ...] = ()
    complete: bool = True
    declared: tuple[Pin, ...] = ()
    refused: str | None = None
    stated: bool = False

    def get(self, name: str) -> Distribution | None:
        """The installed distribution of this name (any spelling), or None."""
        key = normalize(name)
        return next((d for d in self.installed if d.key == key), None)

    def version(self, name: str) -> str | None:
        """The installed version of `name`, its local part included where known, or None."""
        found = self.get(name)
        return None if found is None else found.build or found.version


@lru_cache(maxsize=1 << 13)
def normalize(name: str) -> str:
    """A distribution's name as PEP 503 compares it: lower case, runs of `-_.` as one dash."""
    out = name.strip().lower().replace("_", "-").replace(".", "-")
    while "--" in out:
        out = out.replace("--", "-")
    return out
