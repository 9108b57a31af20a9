"""Which published releases of a distribution provide a module or a name: the index read from their wheels."""

from __future__ import annotations

from functools import cache, lru_cache

from doctor.matrix.files.merged import text_of
from doctor.matrix.files.names_file import NamesIndex
from doctor.matrix.releases import Releases, ReleaseSet


@lru_cache(maxsize=4096)
def releases_with(distribution: str, module: str, name: str | None = None) -> ReleaseSet | None:
    """The releases of `distribution` from which `from module import name` (or `import module`) finds what it names.

    None where the index does not cover the distribution. The empty set means that no covered release has it.
    A submodule counts as a name of its package. Names that only C extensions bind are not in the index.
    Raises NamesError for a damaged index.
    """
    index = _index(_key(distribution))
    if index is None:
        return None
    bits = index.module(module) or 0
    if name is not None and name != "*":
        bits = (index.name(module, name) or 0) | (index.module(f"{module}.{name}") or 0)
    return ReleaseSet(index.releases, bits)


def all_releases(distribution: str) -> Releases | None:
    """The releases that the index covers, or None where it does not cover the distribution."""
    index = _index(_key(distribution))
    return None if index is None else index.releases


def _key(distribution: str) -> str:
    from doctor.facts import normalize

    return normalize(distribution)


@cache
def _index(key: str) -> NamesIndex | None:
    text = text_of(key, "names")
    return None if text is None else NamesIndex(text)
