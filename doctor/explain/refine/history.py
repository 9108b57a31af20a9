"""Which releases of a package have a name: asked of the index of names, where this installation carries one."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from packaging.version import InvalidVersion, Version


class ReleaseSet(Protocol):
    """The part of the index's answer that is used here."""

    @property
    def versions(self) -> tuple[str, ...]:
        """The releases an installer would choose, oldest first."""
        ...

    @property
    def oldest(self) -> str | None:
        """The first of them."""
        ...

    @property
    def newest(self) -> str | None:
        """The last of them."""
        ...

    def spec(self) -> str:
        """A specifier for exactly them."""
        ...


def releases_with(distribution: str, module: str, name: str | None = None) -> ReleaseSet | None:
    """The releases with `module` (and `name` in it); None where no index covers the distribution."""
    try:
        providers = importlib.import_module("doctor.matrix.providers")
    except ModuleNotFoundError:
        return None
    try:
        return cast("ReleaseSet | None", providers.releases_with(distribution, module, name))
    except (ValueError, OSError):
        return None


def newest_known(distribution: str) -> str | None:
    """The newest release that the index covers."""
    every = releases_with(distribution, distribution.replace("-", "_"))
    return every.newest if every is not None else None


def parsed(version: str | None) -> Version | None:
    """A version to compare, or None for none or a bad one."""
    try:
        return Version(version) if version else None
    except InvalidVersion:
        return None


def direction(found: ReleaseSet, installed: str | None, newest: str | None) -> str | None:
    """`upgrade` or `downgrade` to reach a release of the set; None where the set is empty or holds what is installed.

    Where the installed version is unknown, a name that the newest release has was missing in an older one, and a
    name that it lacks was taken away.
    """
    if not found.versions:
        return None
    have = parsed(installed)
    first, last = parsed(found.oldest), parsed(found.newest)
    if have is None or first is None or last is None:
        return "upgrade" if found.newest == newest else "downgrade"
    if have < first:
        return "upgrade"
    if have > last:
        return "downgrade"
    return None
