"""Which releases are newer than the data: what `matrix update` looks for, and what a report says is installed."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from doctor.matrix.releases import Releases


def is_newer(version: str, known: Releases) -> bool:
    """Whether a release came after `known` was read: it is not in it, and nothing newer of its minor series is.

    So 4.57.7 is new where 4.57.6 and 5.0 are known. A development version is nobody's release.
    """
    try:
        asked = Version(version)
    except InvalidVersion:
        return False
    public = Version(asked.public)
    if asked.is_devrelease or public in known.index:
        return False
    versions = known.index.keys()
    if versions and public < min(versions):
        return False
    return not any(one > public and one.release[:2] == public.release[:2] for one in versions)
