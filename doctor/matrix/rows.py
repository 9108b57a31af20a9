"""What the data knows of each release of a project, read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, ParamSpec, TypeVar

from doctor.facts import ReadRelease, normalize
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.facts_file import FactsFile
from doctor.matrix.files.merged import text_of
from doctor.matrix.files.own_rows import own_rows
from doctor.matrix.files.row import Row
from doctor.matrix.releases import Releases, ReleaseSet

P = ParamSpec("P")
T = TypeVar("T")

_read: dict[tuple[str, str], Row] = {}  # installed releases that no row of the data covers
_dependent: list[Callable[[], None]] = []
MOST_READ = 64


def kept(maxsize: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`lru_cache` for what follows from rows: it is forgotten where another installed release was read."""

    def decorate(derive: Callable[P, T]) -> Callable[P, T]:
        cached: Any = lru_cache(maxsize=maxsize)(derive)
        _dependent.append(cached.cache_clear)
        return cached  # type: ignore[no-any-return]

    return decorate


@kept(64)  # a report asks the same of one release again and again, a grid of thousands of releases
def row(project: str, version: str, *kinds: str) -> Row | None:
    """What was extracted from one release (kind -> key -> value), of all kinds or of `kinds`; None if not covered.

    To be read and not changed: whoever asks the same gets the same.
    """
    found = _file(normalize(project))
    row = None if found is None else found.row(version, kinds)
    if row is None and (own := _read.get((normalize(project), version))):
        return {kind: own[kind] for kind in kinds or own if kind in own}
    return row


def covers(project: str, version: str) -> bool:
    """Whether the data itself covers a release; one that was read where it is installed does not count."""
    found = _file(normalize(project))
    return found is not None and found.releases.place(version) is not None


def take_over(releases: Iterable[ReadRelease]) -> None:
    """Makes what was read out of installed releases answer for them, as far as the data does not cover them."""
    for one in releases:
        key = (normalize(one.distribution), one.version)
        if one.row and _read.get(key) != one.row:
            if len(_read) >= MOST_READ:
                _read.clear()
            _read[key] = one.row
            for forget in _dependent:
                forget()


def history(project: str, kind: str, key: str) -> list[tuple[ReleaseSet, Any]]:
    """The values one fact has had, each with its releases: `history("vllm", "flags", "--limit-mm-per-prompt")`."""
    found = _file(normalize(project))
    return [] if found is None else found.history(kind, key)


def releases_having(project: str, kind: str, key: str) -> ReleaseSet | None:
    """The releases that have this fact at all; None for a project that is not covered."""
    found = _file(normalize(project))
    if found is None:
        return None
    out = ReleaseSet(found.releases, 0)
    for having, _ in found.history(kind, key):
        out = out | having
    return out


def keys(project: str, kind: str) -> list[str]:
    """Every key that any release of the project has for `kind`."""
    found = _file(normalize(project))
    return [] if found is None else found.keys(kind)


def having(project: str, kind: str, prefix: str) -> dict[str, int]:
    """The keys of a kind that begin so, with the releases that have each, whatever its value, as bits of the list."""
    found = _file(normalize(project))
    return {} if found is None else found.having(kind, prefix)


def releases(project: str) -> Releases | None:
    """The releases that the project's rows cover, or None."""
    found = _file(normalize(project))
    return None if found is None else found.releases


def projects() -> list[str]:
    """The projects that have rows."""
    shipped = {p.name.removesuffix(".facts.gz") for p in (data_dir() / "wheels").glob("*.facts.gz")}
    return sorted(shipped | own_rows().rows.keys())


@cache
def _file(key: str) -> FactsFile | None:
    text = text_of(key, "facts")
    return None if text is None else FactsFile(text)
